"""What the commands of policies tell."""

from __future__ import annotations

from sigkd.json_documents import JsonDocument
from sigkd.verification.policy import Policy, actions


class PolicyDocument(JsonDocument, format="sigkd-policy", version=1):
    """What ``sigkd policy show`` prints."""

    title: str
    """Name and version."""
    hash: str
    """SHA-256 of what the policy says."""
    policy: Policy
    remarks: dict[str, str]
    """What each remark does, also those that the policy says nothing of."""

    @classmethod
    def of(cls, policy: Policy) -> PolicyDocument:
        """Return the document of a policy."""
        return cls(title=policy.title, hash=policy.hash, policy=policy, remarks=actions(policy))


class PolicyCheck(JsonDocument, format="sigkd-policy-check", version=1):
    """What ``sigkd policy check`` prints: policies without fault."""

    policies: list[PolicyDocument]
