"""Says which models follow instructions, where the one that serves only completes."""

__all__ = ["who_follows"]


def who_follows(serving: str) -> str:
    """Return one line for a person: what ``serving`` cannot do, which models can, how to get one.

    Reads the store of models; for a thread.
    """
    from engine import model_store

    here = {model.name for model in model_store.installed()}
    able = [each for each in model_store.available() if each.follows_instructions and each.offered]
    names = [f"{each.name} (on this computer)" if each.name in here else each.name for each in able]
    return (
        f"{serving} only completes. These follow instructions: {', '.join(names)}. "
        "Ctrl+P and “Model” choose one, or fetch it"
    )
