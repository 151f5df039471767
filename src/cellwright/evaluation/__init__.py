"""How good a model is, and how good a model that knows no order of words would be.

predicted = [p.label for p in Predictor.load("runs/first").predict(test.texts)]
compare(test, predicted, train=train, labels=labels)
"""
