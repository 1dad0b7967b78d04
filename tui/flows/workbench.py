"""All tools around the editor in one base class of the app."""

from tui.flows.code_actions import CodeActions
from tui.flows.git_actions import GitActions
from tui.flows.run_actions import RunActions

__all__ = ["Workbench"]


class Workbench(CodeActions, GitActions, RunActions):
    """An app that finds, walks through code, runs files and shows what changed."""
