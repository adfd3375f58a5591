"""The certificate of W&B's host, validated in Route 53."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .account import Account

VALIDATION_MINUTES = 75
"""How long `up` waits: as long as AWS' own waiters. DNS takes minutes, a delegation by hand takes a colleague."""


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """A certificate for one host, in the stack's region."""

    account: Account
    host: str
    zone_id: pulumi.Input[str]
    """A public hosted zone that serves `host`: the proof that it is ours is written there."""


class Certificate(pulumi.ComponentResource):
    """An ACM certificate that renews itself as long as its record stays."""

    arn: pulumi.Output[str]
    """Known once the certificate is issued: a load balancer takes no other."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("wandb:aws:Certificate", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.account.provider)
        certificate = aws.acm.Certificate(
            f"{name}-certificate", domain_name=args.host, validation_method="DNS", opts=child
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-validation",
            zone_id=args.zone_id,
            name=proof.resource_record_name,
            type="CNAME",
            records=[proof.resource_record_value],
            ttl=60,
            # the same record proves every certificate of this account for this host, so another one may have made it
            allow_overwrite=True,
            opts=child,
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-issued",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.account.provider,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{VALIDATION_MINUTES}m"),
            ),
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})
