"""What learners say of themselves."""

from nnrun.registry.catalog import find


def test_back_propagation_is_a_learner_that_needs_a_loss() -> None:
    backprop = find("learner", "backprop")

    assert backprop is not None
    assert backprop.model_validate({"type": "backprop"}).needs_loss  # type: ignore[attr-defined]
