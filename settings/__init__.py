"""Settings of a stack: what `Pulumi.<stack>.yaml` may say under `wandb:`, and what is wrong with it.

model       all settings; its sections are in cluster, aws, sizing, stores, managed, clickhouse, versions,
            air_gap
base        the base of every section, and kinds of text; more of them in aws_text, arns, cidr
regions     AWS' regions, their partitions and zones
surface     every key, read from the models; descriptions reads the texts about them
problems    messages: one form, no secrets
rules       rules over several keys
lenient     settings that are partly wrong, for the rules
reading     from Pulumi's configuration
stack_file  from a stack's file, without Pulumi
documents   the JSON Schema of stack files and docs/configuration.md; `python -m settings` writes them
"""

from .model import Settings
from .problems import Problem
from .reading import InvalidSettings, parse, stop

__all__ = ["InvalidSettings", "Problem", "Settings", "parse", "stop"]
