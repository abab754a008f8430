"""Puts deliveries to the documented receiver: a list of cases on stdin, a list of verdicts on stdout."""

import base64
import json
import sys

import receiver

VERIFY = {
    "standard": receiver.verify_standard,
    "eggapi": receiver.verify_eggapi,
    "aigenway": receiver.verify_aigenway,
}

verdicts = [
    VERIFY[case["scheme"]](case["secret"], case["headers"], base64.b64decode(case["body"]))
    for case in json.load(sys.stdin)
]
json.dump(verdicts, sys.stdout)
