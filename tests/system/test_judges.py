# SPDX-License-Identifier: Apache-2.0
"""The tests' own judges must be able to say no."""
import tempfile

import duis
import gateway as gateways
from cases import rows

SUPPLIER = "90-B3-D5-1F-30-01-00-00"
METER = "00-DB-12-34-56-78-90-A0"


def signed():
    signer = gateways.official("xml-sign-90B3D51F30010000-ds")
    body = "<sr:ReadInstantaneousExportRegisters></sr:ReadInstantaneousExportRegisters>"
    return duis.sign(duis.request(SUPPLIER, METER, 1, 1, "4.2", body), signer), signer


def refused(octets, certificate):
    try:
        duis.verify(octets, certificate)
    except duis.Invalid:
        return True
    return False


def test_verify_accepts_what_is_right():
    octets, signer = signed()
    duis.verify(octets, signer.certificate)


@rows(document=lambda o: o.replace(b"Variant>1<", b"Variant>3<", 1),
      white_space=lambda o: o.replace(b"<sr:Body>", b"<sr:Body> ", 1),
      value=lambda o: o.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA", 1),
      none=lambda o: o[:o.index(b"<ds:Signature>")] + b"</sr:Request>",
      object=lambda o: o.replace(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object></ds:Object>", 1))
def test_verify_refuses(change):
    octets, signer = signed()
    assert change(octets) != octets and refused(change(octets), signer.certificate)


def test_verify_refuses_another_certificate():
    octets, _ = signed()
    assert refused(octets, gateways.official("xml-sign-90B3D51F30020000-ds").certificate)


def test_schema():
    octets, _ = signed()
    with tempfile.TemporaryDirectory() as scratch:
        schema = duis.Schema(gateways.MATERIAL / "xsd", scratch)
    schema.check(octets)
    try:
        schema.check(octets.replace(b"Variant>1<", b"Variant>77<", 1))
    except duis.Invalid:
        return
    raise AssertionError("the schema takes command variant 77")


@rows(address="==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
      leak="==1==ERROR: LeakSanitizer: detected memory leaks",
      undefined="../a.c:1:2: runtime error: left shift of negative value",
      assertion="motorway: ../a.c:1: f: Assertion `x' failed.")
def test_complaints_are_found(line):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/motorway.log", "w", encoding="utf-8") as file:
            file.write(f"motorway: serving\n{line}\n")
        assert len(gateways.complaints_in(folder)) == 1
