"""One sentence for whatever is wrong with a request."""

import gzip

import pytest

JSON = {"content-type": "application/json"}


WRONG = {
    "no JSON": ("/predict", b"{", 422, ["not JSON"]),
    "nothing": ("/predict", b"", 422, ["not JSON"]),
    "not UTF-8": ("/predict", b'{"text": "\xff"}', 422, ["not JSON"]),
    "half a surrogate pair": ("/predict", b'{"text": "\\ud83d"}', 422, ["half of a surrogate pair"]),
    "half a pair before another": ("/predict", b'{"texts": ["a", "\\udc00b"]}', 422, ["half of a surrogate pair"]),
    "too deep": ("/predict", b"[" * 300, 422, ["recursion"]),
    "a list": ("/predict", b'["a"]', 422, ['the body is ["a"]; expected an object']),
    "null": ("/predict", b"null", 422, ["the body is null"]),
    "a number for a text": ("/predict", b'{"text": 3}', 422, ["text is 3; expected a valid string"]),
    "a text for texts": ("/predict", b'{"texts": "a"}', 422, ['texts is "a"', "array"]),
    "a number among texts": ("/predict", b'{"texts": ["a", 5]}', 422, ["texts[1] is 5; expected a valid string"]),
    "a misspelt key": ("/predict", b'{"txt": "a"}', 422, ["'txt'", "expected 'text' or 'texts'"]),
    "neither": ("/predict", b"{}", 422, ["neither of 'text' and 'texts'"]),
    "both": ("/predict", b'{"text": "a", "texts": ["a"]}', 422, ["both of 'text' and 'texts'"]),
    "a key twice": ("/predict", b'{"text": "a", "text": "b"}', 422, ["'text' stands twice", "expected each once"]),
    "inspect: a key twice": ("/inspect", b'{"text": "a", "text": "a"}', 422, ["the key 'text' stands twice"]),
    "no text": ("/predict", b'{"texts": []}', 422, ["0 texts; expected 1 to 3"]),
    "too many texts": ("/predict", b'{"texts": ["a", "b", "c", "d"]}', 422, ["4 texts; expected 1 to 3"]),
    "too long": ("/predict", b'{"text": "%s"}' % (b"a" * 21), 422, ["text has 21 characters; expected at most 20"]),
    "one too long": ("/predict", b'{"texts": ["", "%s"]}' % (b"a" * 21), 422, ["texts[1] has 21 characters"]),
    "too large": ("/predict", b'{"text": "%s"}' % (b"a" * 400), 413, ["more than 400 bytes"]),
    "a mistake of the model's": ("/predict", b'{"text": "mistake"}', 422, ["'mistake' cannot be answered"]),
    "a failure": ("/predict", b'{"text": "failure"}', 500, ["the server's log says why"]),
    "inspect: no text": ("/inspect", b"{}", 422, ["no 'text'; expected 'text' or 'attributions'"]),
    "inspect: texts": ("/inspect", b'{"text": "a", "texts": []}', 422, ["'texts'"]),
    "inspect: a word for yes": ("/inspect", b'{"text": "a", "attributions": "yes"}', 422, ['attributions is "yes"']),
    "inspect: too long": ("/inspect", b'{"text": "%s"}' % (b"a" * 11), 422, ["11 characters; expected at most 10"]),
    "generate: too long": ("/generate", b'{"length": 6}', 422, ["length is 6; expected at most 5 tokens"]),
    "generate: below 0": ("/generate", b'{"temperature": -1}', 422, ["temperature is -1", "or equal to 0"]),
    "generate: infinite": ("/generate", b'{"temperature": 1e999}', 422, ["temperature is Infinity", "finite number"]),
    "generate: a seed": ("/generate", b'{"seed": 9223372036854775808}', 422, ["seed is 922337203685", "or equal"]),
    "generate: no stop": ("/generate", b'{"stop": ""}', 422, ['stop is ""; expected at least 1 character']),
    "generate: a misspelt key": ("/generate", b'{"promt": "a"}', 422, ["'promt'", "'prompt'"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_what_is_wrong_is_one_sentence(narrow, mistake):
    path, content, status, parts = WRONG[mistake]
    response = narrow.post(path, content=content, headers=JSON)
    assert response.status_code == status
    (sentence,) = response.json().values()
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence
    assert narrow.post("/predict", json={"text": "next"}).json() == {"text": "next", "letters": 4}


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_form_of_another_site_is_refused(narrow, media):
    response = narrow.post("/predict", content=b'{"text": "a"}', headers={"content-type": media} if media else {})
    assert response.status_code == 415
    assert "expected application/json" in response.json()["detail"]


def test_a_compressed_body_is_refused_in_words_of_its_own(narrow):
    content = gzip.compress(b'{"text": "a"}')
    response = narrow.post("/predict", content=content, headers=JSON | {"content-encoding": "gzip"})
    assert response.status_code == 415
    expected = "the body is compressed (Content-Encoding: gzip); expected it as it is"
    assert response.json() == {"detail": expected}
    for none in ("Identity", ""):
        plain = narrow.post("/predict", content=b'{"text": "a"}', headers=JSON | {"content-encoding": none})
        assert plain.status_code == 200


def test_a_body_that_does_not_say_its_size_is_counted(narrow):
    response = narrow.post("/predict", content=(b" " * 99 for _ in range(99)), headers=JSON)
    assert response.status_code == 413


def test_the_longest_that_is_allowed(narrow):
    texts = ["x" * 20] * 3
    assert [each["text"] for each in narrow.post("/predict", json={"texts": texts}).json()] == texts
    assert narrow.post("/inspect", json={"text": "x" * 10}).status_code == 200
