# SPDX-License-Identifier: Apache-2.0
"""Bytes that are no valid DUIS: HTTP 400 and one line of JSON with code and offset."""
import base64

import duis
from cases import rows
from gateway import log_read

CONF = {}


def refused(gateway, octets, code, path="", service="S"):
    answer = gateway.post(service, octets)
    assert answer.status == 400, f"{answer} instead of 400 {code}"
    fields = answer.json()
    codes = code if isinstance(code, tuple) else (code,)
    assert fields["code"] in codes, f"{fields} instead of {code}"
    assert 0 <= fields["offset"] <= len(octets), fields
    assert path in fields.get("path", ""), f"{fields} instead of path {path}"
    assert b"\n" not in answer.body.strip()
    assert b"<sr:Response" not in answer.body
    return fields


def good_octets(gateway, **fields):
    canonical, _ = gateway.read(**fields)
    return duis.sign(canonical, gateway.supplier.signer)


def changed(gateway, old, new, **fields):
    """A request, one text in it replaced; signed after the change, so that only it is wrong."""
    canonical, _ = gateway.read(**fields)
    assert old in canonical, old
    return duis.sign(canonical.replace(old, new, 1), gateway.supplier.signer)


def test_empty(gateway):
    refused(gateway, b"", "empty")


@rows(blank=b" ", newline=b"\r\n\r\n", text=b"hello", json=b'{"a":1}', gzip=b"\x1f\x8b\x08" + bytes(20),
      zeros=bytes(64), tag=b"<", end=b"</a>", declaration=b'<?xml version="1.0"?>',
      two_roots=b"<a/><b/>", comment=b"<!-- -->", binary=bytes(range(256)))
def test_no_xml(gateway, octets):
    refused(gateway, octets, ("not-well-formed", "empty", "encoding", "root"))


def test_truncated_everywhere(gateway):
    """Cut at every 37th octet: never accepted, offset within what was sent."""
    octets = good_octets(gateway)
    for end in range(1, len(octets) - 1, 37):
        refused(gateway, octets[:end], ("not-well-formed", "encoding", "root"))
    refused(gateway, octets[:-1], "not-well-formed")


@rows(attribute=b'<a b="1" b="2"/>', entity=b"&unknown;", less=b'<a b="<"/>', prefix=b"<x:a/>",
      nesting=b"<a><b></a></b>", control=b"\x01", zero=b"\x00", reference=b"&#0;", cdata_end=b"]]>",
      comment=b"<!-- -- -->", instruction=b"<?xml version='1.0'?>", surrogate=b"&#xD800;",
      beyond=b"&#x110000;", colon=b'<a xmlns:x=""/>', ampersand=b"a & b", open_tag=b"<a",
      no_quotes=b"<a b=1/>", no_value=b"<a b/>", end_only=b"</a>", cdata_open=b"<![CDATA[ x",
      name=b"<1a/>", equal_attributes=b'<a x:b="1" y:b="2" xmlns:x="u" xmlns:y="u"/>')
def test_not_well_formed(gateway, octets):
    """In the middle of a document that is right otherwise."""
    document = good_octets(gateway).replace(b"<sr:Header>", b"<sr:Header>" + octets, 1)
    answer = gateway.post("S", document)
    assert answer.status == 400, answer
    assert answer.json()["code"] in ("not-well-formed", "encoding", "schema"), answer
    before = document.index(octets) - 12
    assert before <= answer.json()["offset"] <= len(document), answer


@rows(attribute=b'<a b="1" b="2"/>', less=b'<a b="<"/>', prefix=b"<x:a/>", zero=b"<a>\x00</a>",
      version=b'<?xml version="2.0"?><a', colon=b'<a xmlns:x=""/>')
def test_not_well_formed_root(gateway, octets):
    refused(gateway, octets, ("not-well-formed", "encoding", "root"))


def test_trailing_text(gateway):
    refused(gateway, good_octets(gateway) + b"x", "not-well-formed")
    refused(gateway, good_octets(gateway) + b"<a/>", "not-well-formed")
    refused(gateway, good_octets(gateway) + bytes(1), ("not-well-formed", "encoding"))


def test_deep_nesting(gateway):
    refused(gateway, b"<a>" * 9000, ("not-well-formed", "root"))
    refused(gateway, b"<a>" * 4000 + b"</a>" * 4000, ("not-well-formed", "root"))


def test_many_attributes(gateway):
    octets = b"<a " + b" ".join(b"a%d='1'" % i for i in range(5000)) + b"/>"
    refused(gateway, octets, ("root", "not-well-formed", "too-large"))


@rows(utf16="utf-16", utf16le="utf-16-le", utf32="utf-32")
def test_other_encoding(gateway, name):
    octets = good_octets(gateway).decode()
    refused(gateway, octets.encode(name), ("encoding", "not-well-formed"))
    declared = f'<?xml version="1.0" encoding="{name.upper()}"?>' + octets
    refused(gateway, declared.encode(name), ("encoding", "not-well-formed"))


@rows(latin="ISO-8859-1", ascii="US-ASCII", utf16="UTF-16", windows="windows-1252", ebcdic="IBM037")
def test_declared_encoding(gateway, name):
    octets = f'<?xml version="1.0" encoding="{name}"?>'.encode() + good_octets(gateway)
    refused(gateway, octets, "encoding")


@rows(single=b"\xff", overlong=b"\xc0\xaf", surrogate=b"\xed\xa0\x80", cut=b"\xe2\x82",
      beyond=b"\xf4\x90\x80\x80", continuation=b"\x80", not_a_character=b"\xef\xbf\xbf")
def test_wrong_utf8(gateway, octets):
    document = good_octets(gateway).replace(b"<sr:Header>", b"<sr:Header>" + octets, 1)
    refused(gateway, document, ("encoding", "not-well-formed"))


DOCTYPES = {
    "plain": b"<!DOCTYPE sr:Request>",
    "system": b'<!DOCTYPE sr:Request SYSTEM "http://127.0.0.1:1/a.dtd">',
    "file": b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "public": b'<!DOCTYPE a PUBLIC "-//A//B//EN" "a.dtd">',
    "laughs": (b"<!DOCTYPE a [<!ENTITY a0 'ha'>" +
               b"".join(b"<!ENTITY a%d '&a%d;&a%d;&a%d;&a%d;'>" % (i, i - 1, i - 1, i - 1, i - 1)
                        for i in range(1, 40)) + b"]>"),
    "parameter": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
    "internal": b"<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]>",
}


@rows(**DOCTYPES)
def test_doctype(gateway, doctype):
    octets = good_octets(gateway)
    refused(gateway, doctype + octets, "doctype")
    refused(gateway, b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a -->' + doctype + octets,
            "doctype")


@rows(other=duis.SR + "X", none="", lower=duis.SR.lower(), slash=duis.SR + "/", blank=" " + duis.SR)
def test_wrong_namespace(gateway, namespace):
    octets = good_octets(gateway).replace(duis.SR.encode(), namespace.encode(), 1)
    refused(gateway, octets, ("root", "not-well-formed"))


def test_no_namespace(gateway):
    octets = good_octets(gateway).replace(b"sr:", b"").replace(b"xmlns:sr", b"xmlns:x")
    refused(gateway, octets, "root")


def test_wrong_namespace_inside(gateway):
    octets = changed(gateway, "<sr:CommandVariant>", '<sr:CommandVariant xmlns:sr="urn:x">')
    refused(gateway, octets, "schema", "CommandVariant")


@rows(request_id=f'<sr:RequestID xmlns:sr="{duis.SR}">{duis.DSP}:{duis.DSP}:1</sr:RequestID>',
      other='<a xmlns="urn:b"/>', html="<html><body/></html>",
      soap='<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>',
      alert=f'<sr:S1SPAlert xmlns:sr="{duis.SR}" schemaVersion="5.4"/>',
      inner=f'<sr:SMETS1SignedResponse xmlns:sr="{duis.SR}" schemaVersion="5.4"/>',
      signature=f'<ds:Signature xmlns:ds="{duis.DS}"/>')
def test_other_root(gateway, text):
    refused(gateway, text.encode(), "root")


@rows(missing=None, unknown="9.9", older="1.0", word="five", empty="", minus="-5.4", two="5.4.1",
      exponent="5.4e0")
def test_schema_version(gateway, version):
    new = "" if version is None else f' schemaVersion="{version}"'
    refused(gateway, changed(gateway, ' schemaVersion="5.4"', new), ("schema-version", "schema"))


@rows(older="5.1", zeros="05.40", same="5.4", plus="+5.4", blanks=" 5.4 ")
def test_schema_version_by_value(gateway, version):
    """schemaVersion is a decimal: 5.4, 5.40 and 05.4 are the same version."""
    answer = gateway.post("S", good_octets(gateway, version=version))
    assert duis.Response(answer.body).code == "I99", answer


HEADER_CASES = {
    "root_attribute": ("<sr:Request ", '<sr:Request extra="1" ', "Request"),
    "root_text": ("<sr:Header>", "text<sr:Header>", "Request"),
    "no_header": ("<sr:Header>", "<sr:Body></sr:Body><sr:Header>", "Request"),
    "unknown_in_header": ("<sr:CommandVariant>", "<sr:Unknown></sr:Unknown><sr:CommandVariant>",
                          "Header"),
    "request_id_lacks_counter": (":00-DB-12-34-56-78-90-A0:", ":00-DB-12-34-56-78-90-A0", "RequestID"),
    "request_id_short_eui": ("90-B3-D5-1F-30-01-00-00", "90-B3-D5-1F-30-01-00", "RequestID"),
    "request_id_not_hexadecimal": ("90-B3", "90-BG", "RequestID"),
    "request_id_leading_zero": ("A0:", "A0:0", "RequestID"),
    "request_id_minus": ("A0:", "A0:-", "RequestID"),
    "request_id_too_large": ("A0:", "A0:9999999999999", "RequestID"),
    "variant_zero": ("Variant>1<", "Variant>0<", "CommandVariant"),
    "variant_ten": ("Variant>1<", "Variant>10<", "CommandVariant"),
    "variant_word": ("Variant>1<", "Variant>one<", "CommandVariant"),
    "variant_empty": ("Variant>1<", "Variant><", "CommandVariant"),
    "variant_fraction": ("Variant>1<", "Variant>1.0<", "CommandVariant"),
    "reference_unknown": ("Reference>4.2<", "Reference>4.99<", "ServiceReference"),
    "variant_reference_unknown": ("ReferenceVariant>4.2<", "ReferenceVariant>4.2.9<",
                                  "ServiceReferenceVariant"),
    "variant_reference_blank": ("ReferenceVariant>4.2<", "ReferenceVariant> 4.2<",
                                "ServiceReferenceVariant"),
    "header_twice": ("<sr:Body>", "<sr:Header></sr:Header><sr:Body>", "Request"),
    "body_twice": ("<sr:Body>", "<sr:Body></sr:Body><sr:Body>", "Body"),
    "attribute_in_header": ("<sr:Header>", '<sr:Header a="1">', "Header"),
    "type_attribute": ("<sr:Header>",
                       '<sr:Header xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                       'xsi:type="sr:Unknown">', "Header"),
    "nil": ("<sr:CommandVariant>",
            '<sr:CommandVariant xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xsi:nil="true">', "CommandVariant"),
    "body_unknown": ("<sr:ReadInstantaneousExportRegisters>",
                     "<sr:ReadEverything></sr:ReadEverything><sr:ReadInstantaneousExportRegisters>",
                     "Body"),
}


@rows(**HEADER_CASES)
def test_schema_header(gateway, case):
    old, new, path = case
    refused(gateway, changed(gateway, old, new), "schema", path)


def test_schema_order(gateway):
    canonical, _ = gateway.read()
    variant = "<sr:CommandVariant>1</sr:CommandVariant>"
    reference = "<sr:ServiceReference>4.2</sr:ServiceReference>"
    swapped = canonical.replace(variant + reference, reference + variant)
    assert swapped != canonical
    refused(gateway, duis.sign(swapped, gateway.supplier.signer), "schema", "Header")


@rows(request_id="RequestID", variant="CommandVariant", reference="ServiceReference",
      srv="ServiceReferenceVariant")
def test_schema_missing(gateway, name):
    canonical, _ = gateway.read()
    start = canonical.index(f"<sr:{name}>")
    end = canonical.index(f"</sr:{name}>") + len(f"</sr:{name}>")
    document = duis.sign(canonical[:start] + canonical[end:], gateway.supplier.signer)
    refused(gateway, document, "schema", "Header")


def test_schema_no_body(gateway):
    canonical, _ = gateway.read()
    start = canonical.index("<sr:Body>")
    end = canonical.index("</sr:Body>") + len("</sr:Body>")
    refused(gateway, duis.sign(canonical[:start] + canonical[end:], gateway.supplier.signer), "schema")


BODY_CASES = {
    "empty": "",
    "two": "<sr:ReadInstantaneousExportRegisters></sr:ReadInstantaneousExportRegisters>" * 2,
    "text": "text<sr:ReadInstantaneousExportRegisters></sr:ReadInstantaneousExportRegisters>",
    "child": "<sr:ReadInstantaneousExportRegisters><sr:Child></sr:Child>"
             "</sr:ReadInstantaneousExportRegisters>",
    "inner_text": "<sr:ReadInstantaneousExportRegisters>1</sr:ReadInstantaneousExportRegisters>",
    "no_period": "<sr:ReadExportProfileData></sr:ReadExportProfileData>",
    "period_without_end": log_read("ReadExportProfileData").replace(
        "<sr:EndDateTime>2025-01-02T00:00:00.00Z</sr:EndDateTime>", ""),
    "date_word": log_read("ReadExportProfileData", start="yesterday"),
    "date_without_time": log_read("ReadExportProfileData", start="2025-01-01"),
    "date_month_13": log_read("ReadExportProfileData", start="2025-13-01T00:00:00Z"),
    "date_30_february": log_read("ReadExportProfileData", start="2025-02-30T00:00:00Z"),
    "date_hour_25": log_read("ReadExportProfileData", start="2025-01-01T25:00:00Z"),
    "date_zone": log_read("ReadExportProfileData", start="2025-01-01T00:00:00+15:00"),
    "date_empty": log_read("ReadExportProfileData", start=""),
    "mixed_up": log_read("ReadExportProfileData").replace("StartDateTime", "EndDateTime"),
    "attribute": log_read("ReadExportProfileData").replace("<sr:ReadLogPeriod>",
                                                           '<sr:ReadLogPeriod a="1">'),
    "payload_no_base64": "<sr:SignedPreCommand><sr:GBCSPayload>@@@@</sr:GBCSPayload>"
                         "</sr:SignedPreCommand>",
    "payload_base64_length": "<sr:SignedPreCommand><sr:GBCSPayload>AAAAA</sr:GBCSPayload>"
                             "</sr:SignedPreCommand>",
}


@rows(**BODY_CASES)
def test_schema_body(gateway, body):
    octets = duis.sign(gateway.read(body=body)[0], gateway.supplier.signer)
    refused(gateway, octets, "schema", "Body")


SIGNATURE_CASES = {
    "digest_no_base64": ("<ds:DigestValue>", "<ds:DigestValue>?"),
    "no_signed_info": ("ds:SignedInfo>", "ds:SignedXnfo>"),
    "no_signature_value": ("<ds:SignatureValue>", "<ds:Unknown></ds:Unknown><ds:SignatureValue>"),
    "serial_word": ("<ds:X509SerialNumber>", "<ds:X509SerialNumber>x"),
    "serial_fraction": ("</ds:X509SerialNumber>", ".0</ds:X509SerialNumber>"),
    "text_in_signature": ("<ds:KeyInfo>", "<ds:Manifest>text</ds:Manifest><ds:KeyInfo>"),
    "transforms_empty": (
        f'<ds:Transforms><ds:Transform Algorithm="{duis.ENVELOPED}"></ds:Transform></ds:Transforms>',
        "<ds:Transforms></ds:Transforms>"),
    "algorithm_missing": (f' Algorithm="{duis.SHA256}"', ""),
}


@rows(**SIGNATURE_CASES)
def test_schema_signature(gateway, case):
    old, new = case
    octets = good_octets(gateway)
    assert old.encode() in octets
    refused(gateway, octets.replace(old.encode(), new.encode()), "schema", "Signature")


def test_two_signatures(gateway):
    canonical, _ = gateway.read()
    mark = duis.signature(canonical, gateway.supplier.signer)
    refused(gateway, duis.insert(canonical, mark * 2).encode(), "schema", "Request")


def test_signature_before_header(gateway):
    canonical, _ = gateway.read()
    mark = duis.signature(canonical, gateway.supplier.signer)
    refused(gateway, canonical.replace("<sr:Header>", mark + "<sr:Header>", 1).encode(), "schema")


def test_signature_inside_body(gateway):
    canonical, _ = gateway.read()
    mark = duis.signature(canonical, gateway.supplier.signer)
    refused(gateway, canonical.replace("</sr:Body>", mark + "</sr:Body>", 1).encode(), "schema", "Body")


def test_response_instead_of_request(gateway):
    canonical, _ = gateway.read()
    request = duis.sign(canonical, gateway.supplier.signer)
    refused(gateway, duis.transform_response(request), "not-a-request")


def test_signed_response_instead_of_request(gateway):
    canonical, _ = gateway.read()
    response = duis.transform_response(duis.sign(canonical, gateway.supplier.signer))
    text = response.decode().replace("<sr:Response ", f'<sr:Response xmlns:ds="{duis.DS}" ', 1)
    refused(gateway, duis.sign(text, gateway.supplier.signer), "not-a-request")


def test_offset_points_at_the_fault(gateway):
    """Padding in front moves the offset by as much."""
    octets = changed(gateway, "Variant>1<", "Variant>77<")
    first = refused(gateway, octets, "schema", "CommandVariant")["offset"]
    padding = b"<!-- " + b"x" * 1000 + b" -->\n"
    second = refused(gateway, padding + octets, "schema", "CommandVariant")["offset"]
    assert second == first + len(padding), (first, second)
    assert abs(octets.index(b"Variant>77<") - first) < 80, first


def test_values_are_not_echoed(gateway):
    """Nothing of the input but element names comes back."""
    secret = "Secret" + base64.b16encode(b"payload").decode()
    octets = changed(gateway, "Variant>1<", f"Variant>{secret}<")
    answer = gateway.post("S", octets)
    assert answer.status == 400 and secret.encode() not in answer.body, answer
    assert secret not in gateway.motorway.text(), "input in the log"


def test_damaged_templates(gateway):
    """Each template with one octet damaged: an answer that is not I99, or a still valid document
    whose signature no longer fits."""
    import glob
    import random
    from gateway import MATERIAL
    chance = random.Random(20260102)
    for name in sorted(glob.glob(str(MATERIAL / "templates" / "*.XML"))):
        with open(name, "rb") as file:
            octets = bytearray(duis.minify(file.read()).encode())
        octets = bytearray(duis.sign(octets.decode(), gateway.supplier.signer))
        place = chance.randrange(len(octets))
        octets[place] ^= 1 << chance.randrange(7)
        answer = gateway.post("D", bytes(octets))
        assert answer.status in (200, 400, 403), (name, place, answer)
        if answer.status == 200:
            # Only what canonicalisation evens out may have changed: E13 (service), E2, E19, ...
            assert duis.Response(answer.body).code not in ("I99",), (name, place, answer)
