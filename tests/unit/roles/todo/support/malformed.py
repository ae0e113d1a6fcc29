"""Requests that are not as they should be, each with the answer that it must get.

BODIES: (name, body of POST /todos, status, code), sent as application/json.
TYPES: (name, Content-Type headers, further headers, status, code), sent with a good body.
RAW: (name, bytes on the connection, status, code); HOST stands for the Host header's line.
"""

from __future__ import annotations

_LIMIT = 16 * 1024


def _padded(length: int) -> bytes:
    """A good body of that many bytes: JSON may have spaces at its end."""
    return b'{"title": "x"}'.ljust(length)


BODIES: tuple[tuple[str, bytes, int, str], ...] = (
    ("nothing", b"", 400, "bad_json"),
    ("spaces only", b"   ", 400, "bad_json"),
    ("cut off", b'{"title": "x', 400, "bad_json"),
    ("two values", b'{"title": "x"} {"title": "y"}', 400, "bad_json"),
    ("a comma at the end", b'{"title": "x",}', 400, "bad_json"),
    ("single quotes", b"{'title': 'x'}", 400, "bad_json"),
    ("a comment", b'{"title": "x"} // y', 400, "bad_json"),
    ("a list", b'[{"title": "x"}]', 400, "bad_json"),
    ("text", b'"title"', 400, "bad_json"),
    ("null", b"null", 400, "bad_json"),
    ("a number", b"1", 400, "bad_json"),
    ("NaN", b'{"title": NaN}', 400, "bad_json"),
    ("Infinity", b'{"title": -Infinity}', 400, "bad_json"),
    ("a number of 10000 digits", b'{"title": ' + b"9" * 10_000 + b"}", 400, "bad_json"),
    ("a number beyond floats", b'{"title": 1e999}', 422, "invalid_title"),
    ("5000 lists in one another", b'{"title": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "bad_json"),
    ("2000 objects in one another", b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, "bad_json"),
    ("a name twice", b'{"title": "x", "title": "y"}', 400, "bad_json"),
    ("a name twice deep down", b'{"title": {"a": 1, "a": 2}}', 400, "bad_json"),
    ("invalid UTF-8", b'{"title": "\xff"}', 400, "bad_json"),
    ("UTF-8 that is cut off", b'{"title": "\xe4\xbd"}', 400, "bad_json"),
    ("UTF-8 that is too long", b'{"title": "\xc0\xbc"}', 400, "bad_json"),
    ("half a surrogate pair as UTF-8", b'{"title": "\xed\xa0\x80"}', 400, "bad_json"),
    ("half a surrogate pair escaped", b'{"title": "\\ud800"}', 422, "invalid_title"),
    ("UTF-16", '{"title": "x"}'.encode("utf-16"), 400, "bad_json"),
    ("UTF-32", '{"title": "x"}'.encode("utf-32-be"), 400, "bad_json"),
    ("a byte order mark", b'\xef\xbb\xbf{"title": "x"}', 400, "bad_json"),
    ("NUL in JSON", b'{"title": "a\0b"}', 400, "bad_json"),
    ("NUL escaped", b'{"title": "a\\u0000b"}', 422, "invalid_title"),
    ("a line break escaped", b'{"title": "a\\nb"}', 422, "invalid_title"),
    ("a control character of C1", '{"title": "a\x85b"}'.encode(), 422, "invalid_title"),
    ("binary", bytes(range(256)), 400, "bad_json"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff", 400, "bad_json"),
    ("a form", b"title=x", 400, "bad_json"),
    ("XML", b"<todo><title>x</title></todo>", 400, "bad_json"),
    ("a title of 201 characters", b'{"title": "' + b"x" * 201 + b'"}', 422, "invalid_title"),
    ("one byte too much", _padded(_LIMIT + 1), 413, "too_large"),
    ("100 KiB", _padded(100 * 1024), 413, "too_large"),
    ("900 KiB", _padded(900 * 1024), 413, "too_large"),
)

TYPES: tuple[tuple[str, tuple[str, ...], dict[str, str], int, str], ...] = (
    ("no type", (), {}, 415, "not_json"),
    ("an empty type", ("",), {}, 415, "not_json"),
    ("plain text", ("text/plain",), {}, 415, "not_json"),
    ("a form", ("application/x-www-form-urlencoded",), {}, 415, "not_json"),
    ("a form in parts", ("multipart/form-data; boundary=x",), {}, 415, "not_json"),
    ("plain text that mentions JSON", ("text/plain; application/json",), {}, 415, "not_json"),
    ("two types in one", ("text/plain, application/json",), {}, 415, "not_json"),
    ("two types", ("application/json", "text/plain"), {}, 415, "not_json"),
    ("another type of JSON", ("application/ld+json",), {}, 415, "not_json"),
    ("text/json", ("text/json",), {}, 415, "not_json"),
    ("another charset", ("application/json; charset=latin-1",), {}, 415, "not_json"),
    ("compressed", ("application/json",), {"Content-Encoding": "gzip"}, 415, "encoded"),
)

_POST = b"POST /todos HTTP/1.1\r\nHOST\r\nContent-Type: application/json\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_TOO_LONG = b"x" * 40_000
_FAR_TOO_LONG = b"x" * 400_000  # more than the server reads at once

RAW: tuple[tuple[str, bytes, int, str], ...] = (
    ("no HTTP", b"hello\r\n\r\n", 400, "bad_request"),
    ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
    ("an unknown method", b"BREW /todos HTTP/1.1\r\nHOST\r\n\r\n", 400, "bad_request"),
    ("a method in small letters", b"get /todos HTTP/1.1\r\nHOST\r\n\r\n", 400, "bad_request"),
    ("another version", b"GET /todos HTTP/9.9\r\nHOST\r\n\r\n", 400, "bad_request"),
    ("a space in the path", b"GET /to dos HTTP/1.1\r\nHOST\r\n\r\n", 400, "bad_request"),
    ("a header without a colon", b"GET /todos HTTP/1.1\r\nHOST\r\nnonsense\r\n\r\n", 400, "bad_request"),
    ("a space before the colon", b"GET /todos HTTP/1.1\r\nHOST\r\nX-A : b\r\n\r\n", 400, "bad_request"),
    ("a header over two lines", b"GET /todos HTTP/1.1\r\nHOST\r\nX-A: b\r\n c\r\n\r\n", 400, "bad_request"),
    ("NUL in a header", b"GET /todos HTTP/1.1\r\nHOST\r\nX-A: b\0c\r\n\r\n", 400, "bad_request"),
    ("a length that is no number", _POST + b"Content-Length: x\r\n\r\n", 400, "bad_request"),
    ("a negative length", _POST + b"Content-Length: -1\r\n\r\n", 400, "bad_request"),
    ("a length beyond 64 bits", _POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400, "bad_request"),
    ("two lengths", _POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "bad_request"),
    ("length and chunks", _POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400, "bad_request"),
    ("a transfer encoding of its own", _POST + b"Transfer-Encoding: x\r\n\r\n{}", 400, "bad_request"),
    ("a chunk size that is no number", _CHUNKED + b"zz\r\n{}\r\n", 400, "bad_request"),
    ("a chunk size beyond 64 bits", _CHUNKED + b"fffffffffffffffff\r\n", 400, "bad_request"),
    ("chunks that come to too much", _CHUNKED + b"1000\r\n" + b" " * 4096 + b"\r\n", 413, "too_large"),
    ("a path too long", b"GET /" + _TOO_LONG + b" HTTP/1.1\r\nHOST\r\n\r\n", 431, "head_too_large"),
    ("a query too long", b"GET /todos?" + _TOO_LONG + b" HTTP/1.1\r\nHOST\r\n\r\n", 431, "head_too_large"),
    ("a header too long", b"GET /todos HTTP/1.1\r\nHOST\r\nX: " + _TOO_LONG + b"\r\n\r\n", 431, "head_too_large"),
    ("a header that never ends", b"GET /todos HTTP/1.1\r\nHOST\r\nX: " + _TOO_LONG, 431, "head_too_large"),
    (
        "a thousand headers",
        b"GET / HTTP/1.1\r\nHOST\r\n" + b"X-Header: %s\r\n" % (b"x" * 40) * 1000,
        431,
        "head_too_large",
    ),
    ("a chunk's extension without end", _CHUNKED + b"1;" + _FAR_TOO_LONG, 431, "head_too_large"),
    ("a trailer that never ends", _CHUNKED + b"0\r\nX: " + _FAR_TOO_LONG, 431, "head_too_large"),
)
