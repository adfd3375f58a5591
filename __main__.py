"""Self-managed Weights & Biases: settings, sizing plan, platform, ClickHouse, W&B, stack outputs."""

import gc

# The collector would spend a fifth of the program's seconds looking through the SDK's modules: it begins after them.
gc.disable()

import pulumi

import preflight
from arguments import arguments_for, fitting_plan
from components.clickhouse import ClickHouse
from components.wandb import install
from settings import Settings

gc.freeze()
gc.enable()

settings = Settings.load()
plan = fitting_plan(settings)
arguments = arguments_for(settings, plan)  # of the stack's target: no other cloud's SDK is imported
preflight.require(settings, plan, provider=arguments.provider)

built = arguments.platform()
platform = built.platform

made = arguments.clickhouse(platform)
clickhouse = ClickHouse("clickhouse", made).connection if made else platform.clickhouse

wandb = install("wandb", arguments.wandb(platform, clickhouse))

pulumi.export("url", wandb.url)
pulumi.export("verified", wandb.verified)
pulumi.export("namespaces", dict(vars(platform.namespaces)))
pulumi.export("endpoints", platform.endpoints(clickhouse))
pulumi.export("bucket", {"provider": platform.bucket.provider, "name": platform.bucket.name})
pulumi.export("versions", settings.versions.model_dump(by_alias=True))
pulumi.export("sizingPlan", dict(plan.numbers()))
if platform.cluster.kubeconfig:
    pulumi.export("kubeconfig", pulumi.Output.secret(platform.cluster.kubeconfig))
for name, value in built.exports.items():
    pulumi.export(name, value)
