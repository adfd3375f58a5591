"""The manifests of the backup Jobs, and the configuration of the disk that backups go to."""

from __future__ import annotations

import subprocess
from typing import Any
from xml.etree import ElementTree

import pytest

from components import contracts
from components.clickhouse import backup, backup_script, backup_store, backup_user
from tests.harness import clickhouse_backup as harness
from tests.harness import clickhouse_space as space

S3 = contracts.Bucket(
    provider="s3", name="backups", region="eu-central-1", keys=contracts.BucketKeys(name="backup-keys")
)
OPENED = [S3, contracts.Bucket(provider="s3", name="backups", region="eu-central-1"), space.GOOGLE, space.AZURE]


def spec(job: dict[str, Any]) -> dict[str, Any]:
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_one_backup_runs_at_a_time_in_utc_and_ends() -> None:
    made = backup.backup_job(harness.arguments(S3, deadline_hours=5))["spec"]
    assert made["concurrencyPolicy"] == "Forbid"
    assert made["timeZone"] == "Etc/UTC"
    assert made["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 5 * 3600
    assert made["startingDeadlineSeconds"] < 24 * 3600, "never two runs for one day"
    assert backup_script.STALE_HOURS > 5


def test_a_restore_runs_only_when_told_to_and_once() -> None:
    made = backup.restore_job(harness.arguments(S3))["spec"]
    assert made["suspend"] is True
    assert made["jobTemplate"]["spec"]["backoffLimit"] == 0
    told = {each["name"]: each.get("value") for each in spec({"spec": made})["containers"][0]["env"]}
    assert told["BACKUP"] == "", "without a name it lists"
    assert "ON_CLUSTER" not in told
    three = harness.container(backup.restore_job(harness.arguments(S3, replicas=3)))
    assert {"name": "ON_CLUSTER", "value": " ON CLUSTER 'weavecluster'"} in three["env"]


@pytest.mark.parametrize("bucket", OPENED, ids=lambda bucket: f"{bucket.provider} {bucket.keys is not None}")
def test_pods_are_restricted_and_run_as_the_jobs_own_identity(bucket: contracts.Bucket) -> None:
    args = harness.arguments(bucket, identity=contracts.Identity(pod_labels={"azure.workload.identity/use": "true"}))
    for job in (backup.backup_job(args), backup.restore_job(args)):
        pod = spec(job)
        assert pod["serviceAccountName"] == "clickhouse-backup"
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert (
            job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"]
            == "true"
        )


@pytest.mark.parametrize("bucket", OPENED, ids=lambda bucket: f"{bucket.provider} {bucket.keys is not None}")
def test_keys_are_read_from_secrets_alone(bucket: contracts.Bucket) -> None:
    args = harness.arguments(bucket)
    text = str(backup_store.configuration(bucket, harness.root(bucket)))
    disk = ElementTree.fromstring(text).find("storage_configuration/disks/backups")
    assert disk is not None
    for name in ("access_key_id", "secret_access_key", "account_key"):
        found = disk.find(name)
        assert found is None or (found.text is None and found.get("from_env"))
    for job in (backup.backup_job(args), backup.restore_job(args)):
        by_value = [each["name"] for each in harness.container(job)["env"] if "value" in each]
        assert not [name for name in by_value if "PASSWORD" in name or name in (backup_store.KEY, backup_store.SECRET)]


def test_every_variable_of_the_scripts_is_given() -> None:
    args = harness.arguments(S3)
    for job in (backup.backup_job(args), backup.restore_job(args)):
        made = harness.container(job)
        names = " ".join(each["name"] for each in made["env"])
        # PAUSE, ON_CLUSTER and BACKUP have a default in the script
        for variable in ("HOSTS", "DATABASES", "CONFIGURATION", "DISK", "SHARD", "ROOT", "LISTING"):
            assert variable in names
        checked = subprocess.run(["sh", "-n", "-c", made["command"][2]], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_the_path_names_namespace_and_installation() -> None:
    text = str(backup_store.configuration(S3, harness.root(S3)))
    url = "https://backups.s3.eu-central-1.amazonaws.com/clickhouse-backup/clickhouse/wandb/weavecluster/"
    assert f"<endpoint>{url}</endpoint>" in text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schedule": "daily"}, "schedule: 'daily' given"),
        ({"prefix": "weave/x"}, "where the servers keep their data"),
        ({"prefix": "a'b"}, "prefix:"),
        ({"keep_days": 0}, "keep_days: 0 given; 1 to 3650"),
        ({"full_every_days": 0}, "full_every_days"),
        ({"deadline_hours": 48}, "deadline_hours"),
        (
            {"bucket": contracts.Bucket(provider="cw", name="bucket", region="r", keys=contracts.BucketKeys(name="k"))},
            "listed",
        ),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_with_its_name(changes: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"bucket": S3, **changes}
    with pytest.raises(ValueError, match=told):
        backup.BackupArgs(**given)


def test_the_backup_user_may_read_no_table_of_weave() -> None:
    made = backup_user.settings(harness.USER, ["10.0.0.0/8"])
    assert made["backup/networks/ip"] == ["10.0.0.0/8"]
    assert [grant for grant in made["backup/grants/query"] if "SELECT" in grant and "system." not in grant] == []
