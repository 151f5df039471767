from cellwright.evaluation.majority import majority_class, majority_share


def test_majority_class_and_its_tie():
    assert majority_class(["b", "a", "b"]) == "b"
    assert majority_class(["c", "b", "a", "c", "b"]) == "b"


def test_share_of_the_training_labels_majority():
    assert majority_share(["c", "b", "a", "c", "b"], ["b", "c", "c", "c"]) == 0.25
