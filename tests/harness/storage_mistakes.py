"""Storage configurations of ClickHouse, right and wrong, for the stand-in server and the real engine to agree on."""

from __future__ import annotations

from typing import NamedTuple

MACROS = {"installation": "wandb", "cluster": "weavecluster", "shard": "0", "replica": "chi-wandb-weavecluster-0-0"}
STORAGE = """\
<clickhouse>
  <storage_configuration>
    <disks>
      <s3_disk>
        <type>s3</type>
        <endpoint>http://store:8333/bucket/weave/{installation}/{replica}/</endpoint>
        <region>us-east-2</region>
        <use_environment_credentials>true</use_environment_credentials>
        <metadata_path>/var/lib/clickhouse/disks/s3_disk/</metadata_path>
      </s3_disk>
      <s3_disk_cache>
        <type>cache</type>
        <disk>s3_disk</disk>
        <path>/var/lib/clickhouse/cache/</path>
        <max_size>1Gi</max_size>
        <cache_on_write_operations>true</cache_on_write_operations>
      </s3_disk_cache>
    </disks>
    <policies><s3_main><volumes><main><disk>s3_disk_cache</disk></main></volumes></s3_main></policies>
  </storage_configuration>
  <merge_tree><storage_policy>s3_main</storage_policy></merge_tree>
</clickhouse>
"""
ENDPOINT = "http://store:8333/bucket"
_RATIO = "<max_size_ratio_to_total_space>0.1</max_size_ratio_to_total_space>"
_SIZE = "<max_size>1Gi</max_size>"


class Mistake(NamedTuple):
    """`right`, a part of `STORAGE`, becomes `wrong`; the stand-in's reason contains `words`."""

    right: str
    wrong: str
    words: str

    def __str__(self) -> str:
        return f"{self.right} -> {self.wrong or 'nothing'}"

    @property
    def storage(self) -> str:
        return STORAGE.replace(self.right, self.wrong, 1)


MISTAKES = (
    Mistake("</clickhouse>", "", "Failed to parse configuration file 'config.d/storage.xml'"),
    Mistake("{replica}", "{replika}", "no macro 'replika'"),
    Mistake("1Gi", "1GB", "cannot parse max_size '1GB'"),
    Mistake("1Gi", "1GiB", "cannot parse max_size '1GiB'"),
    Mistake("1Gi", "1gi", "cannot parse max_size '1gi'"),
    Mistake("1Gi", "1.5Gi", "cannot parse max_size '1.5Gi'"),
    Mistake("1Gi", "0", "must not be zero"),
    Mistake("1Gi", "900P", "is more than the"),
    Mistake(_SIZE, "", "one of max_size and max_size_ratio_to_total_space"),
    Mistake(_SIZE, _SIZE + _RATIO, "one of max_size and max_size_ratio_to_total_space"),
    Mistake(
        "<cache_on_write_operations>true</cache_on_write_operations>", "<writes>1</writes>", "unknown setting 'writes'"
    ),
    Mistake("<path>/var/lib/clickhouse/cache/</path>", "", "has no path"),
    Mistake("<disk>s3_disk</disk>", "<disk>other</disk>", "there is no disk 'other'"),
    Mistake("<type>s3</type>", "<type>s4</type>", "unknown type 's4'"),
    Mistake("<disk>s3_disk_cache</disk>", "<disk>other</disk>", "Unknown disk other"),
    Mistake("<disk>s3_disk_cache</disk>", "", "must contain at least one disk"),
    Mistake("<storage_policy>s3_main<", "<storage_policy>s4_main<", "Unknown storage policy `s4_main`"),
)
"""What stops a server."""

TAKEN = (
    Mistake("", "", ""),
    Mistake("1Gi", "1G", ""),
    Mistake("1Gi", "1024K", ""),
    Mistake("1Gi", "1073741824", ""),
    Mistake(_SIZE, _RATIO, ""),
    # unknown keys of a plain disk are ignored
    Mistake("<type>s3</type>", "<type>s3</type><no_such_key>1</no_such_key>", ""),
)
"""What stops nothing."""
