"""What is said where this may be a copy of a panel, and where calls to Aitronos are off."""

from django.utils.translation import gettext_lazy as _

from freddy_admin.wording.notices import NoticeWording
from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import Sentence, say
from freddy_admin.wording.states import GOOD, QUIET, WARN

_ICON = "copy"


def copied_panel_sentence(url: str) -> Sentence:
    """What is held back, and until when."""
    return say(
        _(
            "This database was at work at {url} before. Until a platform admin says that this is "
            "the panel, no sync is started, no connector is switched and no mail is sent: the "
            "panel itself may be doing it."
        ),
        url=url,
    )


def calls_off_sentence() -> Sentence:
    """That nothing is asked of Aitronos."""
    return say(
        _(
            "Calls to Aitronos are switched off here (AITRONOS_CALLS=off): nothing is sent, and "
            "what you see is what was known before."
        )
    )


def copied_panel_notice(url: str) -> NoticeWording:
    """For the overview."""
    title, words = say(_("This may be a copy of the panel")), (copied_panel_sentence(url),)
    return NoticeWording(kind="copy", tone=WARN, icon=_ICON, title=title, words=words)


def panel_part_wording(*, url: str, copied_from: str, sends_calls: bool) -> PartWording:
    """The part of *System* that says which panel this is."""
    name = _("This panel")
    if copied_from:
        words: tuple[Sentence, ...] = (copied_panel_sentence(copied_from),)
        return PartWording(_ICON, name, WARN, say(_("perhaps a copy")), words)
    if not sends_calls:
        return PartWording(_ICON, name, QUIET, say("{url}", url=url), (calls_off_sentence(),))
    return PartWording(_ICON, name, GOOD, say("{url}", url=url), ())
