"""Who may do what in the cluster, and as whom its pods appear: access entries and Pod Identity associations.

Wording and limits: Amazon EKS API reference, "CreateAccessEntry", "CreatePodIdentityAssociation".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from rehearsal.providers.values import Properties

from ..account import Record
from ..behaviour import Behaviour, Moment, api_error, register
from . import identities
from .grants import bootstrapped, caller
from .tokens import ACCESS_ENTRY, ACCESS_POLICY, CLUSTER, POD_IDENTITY

_SERVICE = "EKS"


@register(POD_IDENTITY)
class PodIdentityAssociation(Behaviour):
    """One per ServiceAccount, of a role that EKS may hand out."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Cluster, role, and no other association of the same ServiceAccount."""
        _cluster(at, inputs, "CreatePodIdentityAssociation")
        place = {key: inputs[key] for key in ("clusterName", "namespace", "serviceAccount")}
        if at.account.find(POD_IDENTITY, **place):
            message = f"Association already exists: {place['namespace']}/{place['serviceAccount']}"
            raise api_error(_SERVICE, "CreatePodIdentityAssociation", "ResourceInUseException", message, status=409)
        _trusting(at, inputs["roleArn"])

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Its id and ARN."""
        number = hashlib.sha256(resource_id.encode()).hexdigest()[:17]
        arn = at.arn("eks", f"podidentityassociation/{outputs['clusterName']}/a-{number}")
        return {"associationId": f"a-{number}", "associationArn": arn}

    def admit_update(self, at: Moment, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """The role may be changed for another one."""
        _trusting(at, new["roleArn"])


@register(ACCESS_ENTRY)
class AccessEntry(Behaviour):
    """One per principal."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """Cluster and principal; whoever made the cluster has an entry already unless it was told not to make one."""
        cluster = _cluster(at, inputs, "CreateAccessEntry")
        principal = inputs["principalArn"]
        there = at.account.find(ACCESS_ENTRY, clusterName=inputs["clusterName"], principalArn=principal)
        if there or (bootstrapped(cluster) and principal == caller(cluster)):
            message = "The specified access entry resource is already in use on this cluster."
            raise api_error(_SERVICE, "CreateAccessEntry", "ResourceInUseException", message, status=409)
        if (cluster.get("accessConfig") or {}).get("authenticationMode") == "CONFIG_MAP":
            message = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]"
            raise api_error(_SERVICE, "CreateAccessEntry", "InvalidRequestException", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """`cluster:principal`."""
        return f"{inputs['clusterName']}:{inputs['principalArn']}"

    def outputs(self, at: Moment, resource_id: str, outputs: Properties) -> Properties:
        """Its ARN."""
        number = hashlib.sha256(resource_id.encode()).hexdigest()[:16]
        return {"accessEntryArn": at.arn("eks", f"access-entry/{outputs['clusterName']}/{number}")}


@register(ACCESS_POLICY)
class AccessPolicyAssociation(Behaviour):
    """Rights of a principal that has an entry."""

    def admit(self, at: Moment, inputs: Mapping[str, Any]) -> None:
        """The entry has to be there first."""
        cluster = _cluster(at, inputs, "AssociateAccessPolicy")
        principal = inputs["principalArn"]
        entry = at.account.find(ACCESS_ENTRY, clusterName=inputs["clusterName"], principalArn=principal)
        if not entry and not (bootstrapped(cluster) and principal == caller(cluster)):
            message = f"The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'. ({principal})"
            raise api_error(_SERVICE, "AssociateAccessPolicy", "ResourceNotFoundException", message, status=404)
        prefix = f"arn:{at.partition}:eks::aws:cluster-access-policy/"
        if not inputs["policyArn"].startswith(prefix):
            message = f"The policyArn parameter format is not valid: {inputs['policyArn']} is not under {prefix}"
            raise api_error(_SERVICE, "AssociateAccessPolicy", "InvalidParameterException", message)

    def identify(self, at: Moment, inputs: Mapping[str, Any]) -> str | None:
        """`cluster#principal#policy`."""
        return "#".join((inputs["clusterName"], inputs["principalArn"], inputs["policyArn"]))


def _cluster(at: Moment, inputs: Mapping[str, Any], operation: str) -> Record:
    cluster = at.account.get(CLUSTER, inputs["clusterName"])
    if cluster is None:
        message = f"No cluster found for name: {inputs['clusterName']}."
        raise api_error(_SERVICE, operation, "ResourceNotFoundException", message, status=404)
    return cluster


def _trusting(at: Moment, arn: str) -> None:
    role = identities.role_of(at.account, arn)
    problem = "it does not exist" if role is None else identities.trusted_by_pod_identity(role)
    if problem:
        message = f"Trust policy of role {arn} is not valid: {problem}"
        raise api_error(_SERVICE, "CreatePodIdentityAssociation", "InvalidParameterException", message)
