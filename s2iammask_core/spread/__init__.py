"""Spreading work: in this process, or over Ray's actors on this machine or on a cluster."""

from s2iammask_core.spread.plan import Failed as Failed
from s2iammask_core.spread.plan import Outcome as Outcome
from s2iammask_core.spread.plan import Recipe as Recipe
from s2iammask_core.spread.plan import Tick as Tick
from s2iammask_core.spread.plan import Work as Work
from s2iammask_core.spread.plan import Workers as Workers
from s2iammask_core.spread.plan import no_tick as no_tick
from s2iammask_core.spread.run import Crew as Crew
from s2iammask_core.spread.run import crew as crew
from s2iammask_core.spread.run import spread as spread
from s2iammask_core.spread.session import session as session
