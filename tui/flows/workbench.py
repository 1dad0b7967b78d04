"""All tools around the editor in one base class of the app."""

from tui.flows.assistant.ask_actions import AskActions
from tui.flows.code.code_actions import CodeActions
from tui.flows.code.run_actions import RunActions
from tui.flows.files.git_actions import GitActions
from tui.flows.wafer.wafer_actions import WaferActions

__all__ = ["Workbench"]


class Workbench(CodeActions, GitActions, RunActions, AskActions, WaferActions):
    """An app that finds, walks through code, runs files, answers, shows changes and the wafer."""
