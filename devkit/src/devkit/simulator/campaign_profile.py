"""The day of a bank's telephone campaign, whose contacts were real: one in nine ends in an order."""

from typing import Final

from devkit.simulator.campaign_sample import campaign_contacts
from devkit.simulator.conversation import Conversation
from devkit.simulator.profile import Profile
from devkit.simulator.rng import Rng


def _draw(rng: Rng, _skill: float) -> Conversation:
    """Returns one of the campaign's contacts: this one will go as that one did."""
    return rng.one_of(campaign_contacts())


CAMPAIGN: Final = Profile(name="campaign", draw=_draw)
"""All other numbers are the defaults of `Profile`."""
