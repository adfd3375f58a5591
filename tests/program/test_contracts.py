"""What every component promises. Classes are found by walking components/, so a new one is held to it at once."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap

import pulumi
import pytest

import components
from tests.harness import Recording

TOKENS = {
    "aws.addons.AddOns": "wandb:aws:AddOns",
    "aws.autoscaler.ClusterAutoscaler": "wandb:aws:ClusterAutoscaler",
    "aws.bucket.Bucket": "wandb:aws:Bucket",
    "aws.certificate.Certificate": "wandb:aws:Certificate",
    "aws.cluster.Cluster": "wandb:aws:Cluster",
    "aws.control_plane.ControlPlane": "wandb:aws:ControlPlane",
    "aws.existing_cluster.ExistingCluster": "wandb:aws:ExistingCluster",
    "aws.identity.ControllerRole": "wandb:aws:ControllerRole",
    "aws.identity.WorkloadRole": "wandb:aws:WorkloadRole",
    "aws.ingress.Ingress": "wandb:aws:Ingress",
    "aws.keys.Key": "wandb:aws:Key",
    "aws.load_balancer.LoadBalancerController": "wandb:aws:LoadBalancerController",
    "aws.metrics_server.MetricsServer": "wandb:aws:MetricsServer",
    "aws.mysql.MySQL": "wandb:aws:MySQL",
    "aws.network.Network": "wandb:aws:Network",
    "aws.node_groups.NodePools": "wandb:aws:NodePools",
    "aws.platform.Platform": "wandb:aws:Platform",
    "aws.redis.Redis": "wandb:aws:Redis",
    "aws.zone.Zone": "wandb:aws:Zone",
    "clickhouse.backup.BackupJobs": "wandb:clickhouse:BackupJobs",
    "clickhouse.clickhouse.ClickHouse": "wandb:clickhouse:ClickHouse",
    "clickhouse.keeper.Keeper": "wandb:clickhouse:Keeper",
    "clickhouse.operator.Operator": "wandb:clickhouse:Operator",
    "clickhouse.server.Server": "wandb:clickhouse:Server",
    "credentials.Credentials": "wandb:index:Credentials",
    "kubernetes.bucket.ObjectStore": "wandb:kubernetes:ObjectStore",
    "kubernetes.mysql.MySQL": "wandb:kubernetes:MySQL",
    "kubernetes.platform.Platform": "wandb:kubernetes:Platform",
    "kubernetes.redis.Redis": "wandb:kubernetes:Redis",
    "mysql_database.MySQLDatabase": "wandb:index:MySQLDatabase",
    "namespaces.Namespaces": "wandb:index:Namespaces",
    "wandb.instance.Instance": "wandb:wandb:Instance",
    "wandb.operator.Operator": "wandb:wandb:Operator",
    "wandb.verification.Verification": "wandb:wandb:Verification",
    "wandb.single.SingleContainer": "wandb:wandb:SingleContainer",
    "wandb.way_in.GatewayRoute": "wandb:wandb:GatewayRoute",
    "wandb.wandb.WandB": "wandb:wandb:WandB",
}
"""Every component and its type token. Add yours; never change one that was released: all inside would be replaced."""


def discover() -> dict[str, type[pulumi.ComponentResource]]:
    """Every component class under components/, by module and name."""
    found = {}
    for module in pkgutil.walk_packages(components.__path__, f"{components.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            is_component = isinstance(value, type) and issubclass(value, pulumi.ComponentResource)
            if is_component and value.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found


COMPONENTS = discover()
each_component = pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS.keys())


def constructor(component: type[pulumi.ComponentResource]) -> ast.FunctionDef:
    """The source of `__init__`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(component)))
    assert isinstance(tree.body[0], ast.ClassDef)
    functions = [node for node in tree.body[0].body if isinstance(node, ast.FunctionDef)]
    return next(function for function in functions if function.name == "__init__")


def call(statement: ast.stmt) -> tuple[str, list[str]]:
    """What the statement calls, and the sources of the arguments; empty when it is no call."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        arguments = [*statement.value.args, *(keyword.value for keyword in statement.value.keywords)]
        return ast.unparse(statement.value.func), [ast.unparse(argument) for argument in arguments]
    return "", []


def token(component: type[pulumi.ComponentResource]) -> str:
    """The type token, which has to stand as a literal in the first statement of the constructor."""
    target, arguments = call(constructor(component).body[0])
    assert target == "super().__init__", "a constructor begins with super().__init__"
    literal = ast.literal_eval(arguments[0])
    assert isinstance(literal, str)
    return literal


def arguments_class(component: type[pulumi.ComponentResource]) -> type:
    """The class of the constructor's `args`."""
    return inspect.signature(component.__init__, eval_str=True).parameters["args"].annotation


def test_there_are_components_to_hold_to_the_contract() -> None:
    assert COMPONENTS


def test_type_tokens_are_frozen() -> None:
    found = {name.removeprefix("components."): token(component) for name, component in COMPONENTS.items()}
    assert found == TOKENS, (
        "If you add a component, add it to TOKENS in this file. If you rename one, or its token, every resource inside is "
        "replaced in every deployed stack, unless the component carries an alias of its old name."
    )


def test_no_two_components_share_a_type_token() -> None:
    assert len(set(TOKENS.values())) == len(TOKENS)


@each_component
def test_a_type_token_says_package_module_and_class(component: type[pulumi.ComponentResource]) -> None:
    _, *folders, _ = component.__module__.split(".")
    expected = folders[0] if folders else "index"
    assert re.fullmatch(rf"wandb:{expected}:{component.__name__}", token(component))


@each_component
def test_a_component_is_constructed_from_name_args_and_opts(component: type[pulumi.ComponentResource]) -> None:
    parameters = inspect.signature(component.__init__, eval_str=True).parameters
    assert list(parameters) == ["self", "name", "args", "opts"]
    assert parameters["name"].annotation is str
    assert parameters["opts"].annotation == pulumi.ResourceOptions | None
    assert parameters["opts"].default is None


@each_component
def test_arguments_are_a_frozen_keyword_only_dataclass(component: type[pulumi.ComponentResource]) -> None:
    arguments = arguments_class(component)
    assert dataclasses.is_dataclass(arguments)
    assert vars(arguments)["__dataclass_params__"].frozen
    assert all(field.kw_only for field in dataclasses.fields(arguments))
    assert arguments.__name__ == f"{component.__name__}Args"


@each_component
def test_a_component_stores_no_arguments_in_the_state_and_hands_its_options_on(
    component: type[pulumi.ComponentResource],
) -> None:
    _, given = call(constructor(component).body[0])
    assert given[1:] == ["name", "{}", "opts"]


@each_component
def test_a_component_registers_its_outputs_last_and_once(component: type[pulumi.ComponentResource]) -> None:
    target, _ = call(constructor(component).body[-1])
    assert target == "self.register_outputs"
    assert inspect.getsource(component).count("self.register_outputs(") == 1


@each_component
def test_components_and_their_arguments_say_what_they_are(component: type[pulumi.ComponentResource]) -> None:
    for documented in (component, arguments_class(component)):
        text = vars(documented).get("__doc__") or ""
        generated = f"{documented.__name__}("  # what a dataclass without a docstring gets
        assert text.strip(), f"{documented.__name__} has no docstring"
        assert not text.startswith(generated), f"{documented.__name__} has no docstring"


def test_every_resource_of_the_dev_stack_has_an_explicit_provider(dev_stack: Recording) -> None:
    providers = {resource.urn for resource in dev_stack.recorder.custom() if is_provider(resource.type)}
    managed = [resource for resource in dev_stack.recorder.custom() if not is_provider(resource.type)]
    assert managed
    without = [resource.urn for resource in managed if resource.provider not in providers]
    assert not without, "a default provider would take whatever cluster the environment points at"


def test_every_resource_of_the_dev_stack_belongs_to_a_component(dev_stack: Recording) -> None:
    parents = {resource.urn for resource in dev_stack.recorder.components()}
    managed = [resource for resource in dev_stack.recorder.custom() if not is_provider(resource.type)]
    without = [resource.urn for resource in managed if resource.parent not in parents]
    assert not without


def test_every_component_of_the_dev_stack_registers_its_outputs(dev_stack: Recording) -> None:
    without = {resource.urn for resource in dev_stack.recorder.components()} - dev_stack.recorder.outputs.keys()
    assert not without


def test_every_component_of_the_dev_stack_is_one_of_ours(dev_stack: Recording) -> None:
    assert {resource.type for resource in dev_stack.recorder.components()} <= set(TOKENS.values())


def is_provider(token: str) -> bool:
    """True for the type of a provider resource."""
    return token.startswith("pulumi:providers:")
