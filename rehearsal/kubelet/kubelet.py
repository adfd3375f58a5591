"""The process that plays every node's kubelet and every volume provisioner of one rehearsal."""

from __future__ import annotations

import logging
import threading

from ..api import Api, ApiError
from ..aws.account import Account
from ..state import State
from . import certificates, ebs, identity, network, pods, volumes
from .cache import Cache
from .events import Events
from .processes import Processes

log = logging.getLogger(__name__)

_SOON = 0.1
_IDLE = 2.0


class Kubelet:
    """Looks at the whole cluster whenever something changed. What it finds decides what it does, so it may be killed and
    started again at any moment; only the operators' processes restart with it."""

    def __init__(self, state: State) -> None:
        self._api = Api.from_kubeconfig(state.kubeconfig)
        self._changed = threading.Event()
        self._stop = threading.Event()
        kinds = (*pods.KINDS, *volumes.KINDS, *identity.KINDS, *certificates.KINDS)
        self._cache = Cache(self._api, kinds, self._changed.set)
        account = Account(state)
        self._processes = Processes(self._api, state)
        events = Events(self._api, "kubelet")
        self._driver = ebs.Driver(self._api, self._cache, account, events)
        whoever = identity.Identities(account, self._cache)
        self._pods = pods.Pods(self._api, self._cache, state, self._processes, events, whoever)

    def stop(self) -> None:
        """Ask `run` to return. Safe to call from a signal handler."""
        self._stop.set()
        self._changed.set()

    def run(self) -> None:
        """Play until `stop`. Raises TimeoutError when the API server does not answer at the start."""
        self._cache.start()
        log.info("playing the kubelet of every node of %s", self._api.server)
        soon = False
        try:
            while not self._stop.is_set():
                self._changed.wait(_SOON if soon else _IDLE)
                self._changed.clear()
                soon = self._sync()
        finally:
            self._cache.stop()
            self._processes.stop_all()

    def _sync(self) -> bool:
        try:
            network.sync(self._api, self._cache)
            certificates.sync(self._api, self._cache)
            self._driver.sync()
            volumes.sync(self._api, self._cache, self._driver)
            return self._pods.sync()
        except (ApiError, ValueError, OSError) as error:
            log.warning("%s", error)
            self._stop.wait(0.5)
            return True
