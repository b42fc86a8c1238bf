"""The addresses of the pages of assurance, each behind the guard of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.service.assurance.coverage import CoverageReports
from hub.service.assurance.proofs import Proofs
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.coverage import CoveragePages
from hub.web.pages.assurance.proofs import ProofPages
from hub.web.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceSite:
    """All pages of assurance."""

    coverage: CoveragePages
    proofs: ProofPages
    sessions: Sessions

    @classmethod
    def of(
        cls, reports: CoverageReports, proofs: Proofs, site: Site, sessions: Sessions, clock: Clock, *, asks: bool
    ) -> "AssuranceSite":
        return cls(
            coverage=CoveragePages(reports=reports, site=site, sessions=sessions, clock=clock),
            proofs=ProofPages(proofs=proofs, reports=reports, site=site, sessions=sessions, clock=clock, asks=asks),
            sessions=sessions,
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them."""
        guarded = self.sessions.guarded
        return [
            web.get("/directory/coverage", guarded(self.coverage.index)),
            web.get("/directory/coverage/of/{organisation}", guarded(self.coverage.organisation)),
            web.get("/directory/proofs", guarded(self.proofs.show)),
            web.post("/directory/proofs/{mark}", guarded(self.proofs.again)),
        ]
