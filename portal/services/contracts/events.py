"""What contracts tell the other parts of services."""

from __future__ import annotations

from dataclasses import dataclass

from portal.services.contracts.models import ServiceContract


@dataclass(frozen=True, slots=True)
class ContractExecuted:
    """Both sides signed."""

    contract: ServiceContract
