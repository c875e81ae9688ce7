"""Makes twilio_signatures.json: what Twilio's own library signs, for hum's verifier to agree with.

    pip install twilio==9.13.0
    python twilio_signatures.py > twilio_signatures.json

Each vector has the URL, the parameters in the order received, the key, the algorithm and the signature. The library's own
validator is asked about each one too; where it disagrees with its own signature (it cannot read ports behind user
information or IPv6 hosts), `library_accepts` is false, and hum accepts the URL exactly as it was signed.
"""

import json

from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator


class Params(dict):
    """Repeated parameters, in the form in which web frameworks hand them to the library."""

    def __init__(self, pairs):
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getlist(self, name):
        return self[name]


# Published at https://www.twilio.com/docs/usage/security (token 12345).
PUBLISHED = (
    "https://example.com/myapp.php?foo=1&bar=2",
    [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ],
)

SMS = [
    ("ToCountry", "US"),
    ("SmsMessageSid", "SM" + "a" * 32),
    ("NumMedia", "0"),
    ("Body", "When will you be here?"),
    ("To", "+13175550199"),
    ("From", "+13175550100"),
    ("AccountSid", "AC" + "b" * 32),
    ("MessageSid", "SM" + "a" * 32),
    ("ApiVersion", "2010-04-01"),
]

URLS = [
    "https://hum.example/carrier/twilio/sms",
    "https://hum.example/carrier/twilio/sms/",
    "https://hum.example",
    "https://hum.example/",
    "https://hum.example:443/carrier/twilio/sms",
    "https://hum.example:8443/carrier/twilio/sms",
    "http://hum.example/carrier/twilio/sms",
    "http://hum.example:80/carrier/twilio/sms",
    "http://hum.example:8080/carrier/twilio/sms",
    "http://hum.example:443/odd",
    "https://hum.example:80/odd",
    "https://hum.example/carrier/twilio/status/att_0123456789abcdef",
    "https://hum.example/x?a=1",
    "https://hum.example/x?a=1&b=2&a=3",
    "https://hum.example/x?b=%C3%A9&c=a+b%20c",
    "https://hum.example/x?",
    "https://hum.example?x=1:2@3",
    "https://hum.example/x?next=https://other.example:8443/y",
    "https://hum.example/%7Ea/b%2Fc//d",
    "https://hum.example/pfad/\u00fcber",
    "https://xn--bcher-kva.example/x",
    "https://user:secret@hum.example/x",
    "https://user:secret@hum.example:8443/x",
    "https://user@hum.example/x?y=z",
    "https://192.0.2.7/x",
    "https://192.0.2.7:8443/x",
    "https://[2001:db8::1]/x",
    "https://[2001:db8::1]:8443/x",
    "wss://hum.example/media",
    "wss://hum.example:8443/media",
    "https://HUM.example/Case/Matters",
]

PARAMS = [
    [],
    [("Body", "")],
    [("Body", ""), ("Empty", ""), ("", "")],
    [("", "nameless")],
    [("Body", "caf\u00e9 \u2014 na\u00efve \u201cquotes\u201d")],
    [("Body", "\U0001f44b\U0001f3fd \u4f60\u597d \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd")],
    [("Body", "e\u0301 is not \u00e9")],
    [("Body", "1 + 1 = 2 & 3 % 4")],
    [("From", "+13175550100"), ("To", "+13175550199")],
    [("From", " 13175550100"), ("To", " 13175550199")],
    [("Body", "line\nbreak\r\nand\ttab")],
    [("Body", " leading and trailing ")],
    [("Body", "<b>&amp;</b> \\ / \" '")],
    [("a", "1"), ("B", "2"), ("A", "3"), ("b", "4"), ("_", "5"), ("0", "6")],
    [("Z", "last"), ("z", "after capitals"), ("\u00e9", "after ASCII"), ("\U0001f600", "after the BMP"), ("\uff5e", "before it")],
    [("MediaUrl", "https://b.example"), ("MediaUrl", "https://a.example")],
    [("MediaUrl", "https://a.example"), ("MediaUrl", "https://a.example")],
    [("k", "2"), ("j", "x"), ("k", "10"), ("k", "2"), ("k", "")],
    [("MediaUrl0", "https://a.example/1"), ("MediaUrl1", "https://a.example/2"), ("MediaUrl10", "https://a.example/3")],
    [("Body", "x" * 1600)],
    [("Body[]", "1"), ("Body[0]", "2"), ("Body.x", "3")],
    [("Body", "null"), ("NumMedia", "0"), ("SomethingNew", "added without notice")],
    [("Body", "\u200b\ufeff invisible")],
    list(reversed(SMS)),
]

TOKENS = ["12345", "0123456789abcdef0123456789abcdef", "k" * 200, "schl\u00fcssel"]


def vector(name, url, params, key, algorithm=HMAC_SHA1):
    validator = RequestValidator(key)
    held = Params(params)
    signature = validator.compute_signature(url, held, algorithm)
    return {
        "name": name,
        "url": url,
        "params": params,
        "key": key,
        "algorithm": algorithm,
        "signature": signature,
        "library_accepts": validator.validate(url, held, signature, algorithm),
    }


def main():
    vectors = [vector("published", *PUBLISHED, "12345")]
    vectors += [vector(f"url {url}", url, SMS, TOKENS[1]) for url in URLS]
    vectors += [vector(f"params {at}", URLS[0], params, TOKENS[1]) for at, params in enumerate(PARAMS)]
    vectors += [vector(f"key {at}", URLS[0], SMS, key) for at, key in enumerate(TOKENS)]
    for at, key in enumerate(TOKENS):
        vectors.append(vector(f"sha256 key {at}", URLS[0], SMS, key, HMAC_SHA256))
    vectors += [vector(f"sha256 {url}", url, PARAMS[at], TOKENS[1], HMAC_SHA256) for at, url in enumerate(URLS[:8])]
    lines = ",\n".join(json.dumps(entry) for entry in vectors)
    print(f"[\n{lines}\n]")


main()
