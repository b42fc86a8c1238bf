"""The addresses of the pages of assurance, each behind the guard of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.core.accounts import may
from hub.service.assurance.coverage import CoverageReports, PlacementReports
from hub.service.assurance.proofs import Proofs
from hub.service.ports import Clock
from hub.web.bodies import Bodies
from hub.web.forms import Uploads
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.coverage import LONGEST, CoveragePages
from hub.web.pages.assurance.proofs import ProofPages
from hub.web.pages.directory.routes import AT_ONCE, WITHIN
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.sessions import VIEWER, Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class AssuranceSite:
    """All pages of assurance."""

    coverage: CoveragePages
    proofs: ProofPages
    sessions: Sessions

    @classmethod
    def of(
        cls,
        reports: CoverageReports,
        placements: PlacementReports,
        proofs: Proofs,
        site: Site,
        sessions: Sessions,
        clock: Clock,
        *,
        asks: bool,
    ) -> "AssuranceSite":
        return cls(
            coverage=CoveragePages(reports=reports, placements=placements, site=site, sessions=sessions, clock=clock),
            proofs=ProofPages(proofs=proofs, reports=reports, site=site, sessions=sessions, clock=clock, asks=asks),
            sessions=sessions,
        )

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them."""
        guarded = self.sessions.guarded
        lists = Uploads(
            bodies=Bodies(at_once=AT_ONCE, within=WITHIN),
            limit=LONGEST,
            offered=lambda request: may(request[VIEWER], "directory:see", ANYBODY),
        )
        return [
            web.get("/directory/coverage", guarded(self.coverage.index)),
            web.post("/directory/coverage/placements", guarded(self.coverage.placements, lists)),
            web.get("/directory/coverage/of/{organisation}", guarded(self.coverage.organisation)),
            web.get("/directory/proofs", guarded(self.proofs.show)),
            web.post("/directory/proofs/{mark}", guarded(self.proofs.again)),
        ]
