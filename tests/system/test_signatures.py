# SPDX-License-Identifier: Apache-2.0
"""Valid DUIS of a sender who is not proven: HTTP 403, an unsigned Response without body, a reason."""
import base64
import hashlib

import duis
from cases import rows
from gateway import make_signer

CONF = {"signing": {"acknowledgements": True}}


def refused(gateway, octets, reason, code="E100"):
    answer = gateway.post("S", octets)
    reasons = reason if isinstance(reason, tuple) else (reason,)
    assert answer.status == 403, f"{answer} instead of 403 {reason}"
    assert answer.reason in reasons, f"{answer.reason} instead of {reason}: {answer}"
    response = duis.Response(answer.body)
    assert response.code == code, f"{response.code} instead of {code}"
    assert not response.signed, "an answer to an unproven sender is signed"
    assert response.body_name is None, "an answer with a body to an unproven sender"
    gateway.schema().check(answer.body)


def accepted(gateway, octets):
    answer = gateway.post("S", octets)
    assert answer.status == 200, answer
    assert duis.Response(answer.body).code == "I99", answer
    duis.verify(answer.body, gateway.dsp_certificate)   # signing.acknowledgements is yes here


def signed(gateway, **profile):
    canonical, _ = gateway.read()
    return duis.sign(canonical, gateway.supplier.signer, **profile)


def test_unsigned(gateway):
    refused(gateway, gateway.read()[0].encode(), "signature-missing")


def test_altered_document(gateway):
    """One octet of the document changed after signing."""
    octets = signed(gateway)
    refused(gateway, octets.replace(b"Variant>1<", b"Variant>3<", 1), "signature-wrong")


def test_altered_digest(gateway):
    octets = signed(gateway)
    start = octets.index(b"<ds:DigestValue>") + len(b"<ds:DigestValue>")
    digest = base64.b64encode(hashlib.sha256(b"other").digest())
    refused(gateway, octets[:start] + digest + octets[start + len(digest):], "signature-wrong")


def test_altered_document_and_digest(gateway):
    """The digest fits the changed document, the signature does not fit the digest."""
    canonical, _ = gateway.read()
    mark = duis.signature(canonical, gateway.supplier.signer)
    other = canonical.replace("Variant>1<", "Variant>3<", 1)

    def digest(text):
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert digest(canonical) in mark
    forged = mark.replace(digest(canonical), digest(other))
    refused(gateway, duis.insert(other, forged).encode(), "signature-wrong")


def signature_value(octets, change):
    start = octets.index(b"<ds:SignatureValue>") + len(b"<ds:SignatureValue>")
    end = octets.index(b"</ds:SignatureValue>")
    value = change(base64.b64decode(octets[start:end]))
    return octets[:start] + base64.b64encode(value) + octets[end:]


def flipped(position):
    return lambda v: v[:position] + bytes([v[position] ^ 1]) + v[position + 1:]


def with_r(number):
    return lambda v: number.to_bytes(32, "big") + v[32:]


def with_s(number):
    return lambda v: v[:32] + number.to_bytes(32, "big")


@rows(first=flipped(0), middle=flipped(31), second=flipped(32), last=flipped(63),
      r_nought=with_r(0), s_nought=with_s(0), both_nought=lambda v: bytes(64),
      r_order=with_r(duis.ORDER), s_order=with_s(duis.ORDER), largest=lambda v: b"\xff" * 64,
      s_beyond=lambda v: v[:32] + ((int.from_bytes(v[32:], "big") + duis.ORDER) %
                                   (1 << 256)).to_bytes(32, "big"),
      swapped=lambda v: v[32:] + v[:32], one=lambda v: (1).to_bytes(32, "big") * 2)
def test_altered_signature(gateway, change):
    refused(gateway, signature_value(signed(gateway), change), "signature-wrong")


@rows(short=lambda v: v[:63], long=lambda v: v + b"\0", empty=lambda v: b"", r_only=lambda v: v[:32],
      der=lambda v: b"\x30\x44\x02\x20" + v[:32] + b"\x02\x20" + v[32:], twice=lambda v: v * 2,
      padded=lambda v: bytes(2) + v)
def test_length_of_signature(gateway, change):
    refused(gateway, signature_value(signed(gateway), change), ("signature-profile", "signature-wrong"))


def test_negated_s_is_the_same_signature(gateway):
    """ECDSA itself allows both s and n - s; DUIS asks for no canonical s."""
    def negated(value):
        s = int.from_bytes(value[32:], "big")
        return value[:32] + (duis.ORDER - s).to_bytes(32, "big")
    accepted(gateway, signature_value(signed(gateway), negated))


def test_other_key(gateway):
    """KeyInfo names the supplier's certificate, another key has signed."""
    canonical, _ = gateway.read()
    own = gateway.supplier.signer
    refused(gateway, duis.sign(canonical, gateway.network.signer,
                               key_text=duis.key_info(own.issuer, own.serial)), "signature-wrong")


def test_certificate_of_another_user(gateway):
    canonical, _ = gateway.read()
    refused(gateway, duis.sign(canonical, gateway.network.signer), "certificate-foreign")


def test_certificate_unknown(gateway):
    canonical, _ = gateway.read()
    refused(gateway, duis.sign(canonical, gateway.stranger.signer), "certificate-unknown")


def test_certificate_of_the_dsp(gateway):
    canonical, _ = gateway.read()
    refused(gateway, duis.sign(canonical, gateway.dsp_signer),
            ("certificate-unknown", "certificate-foreign"))


def test_same_serial_other_issuer(gateway):
    """A serial number is unique only together with its issuer."""
    canonical, _ = gateway.read()
    own = gateway.supplier.signer
    forged = make_signer(gateway.folder, "forged", gateway.supplier.eui, own.serial, "Z8")
    refused(gateway, duis.sign(canonical, forged), "certificate-unknown")


@rows(next=1, previous=-1, low_bits=1 << 64, negative=None)
def test_other_serial(gateway, distance):
    own = gateway.supplier.signer
    serial = -own.serial if distance is None else own.serial + distance
    refused(gateway, signed(gateway, key_text=duis.key_info(own.issuer, serial)),
            ("certificate-unknown", "signature-profile"))


def test_enormous_serial(gateway):
    own = gateway.supplier.signer
    refused(gateway, signed(gateway, key_text=duis.key_info(own.issuer, "9" * 2000)),
            ("certificate-unknown", "signature-profile"))
    accepted(gateway, signed(gateway, key_text=duis.key_info(own.issuer, "000" + str(own.serial))))


@rows(blank="CN=Z1, OU=07", lower="cn=Z1,ou=07", around=" CN = Z1 , OU = 07 ",
      oid="2.5.4.3=Z1,2.5.4.11=07")
def test_issuer_is_compared_as_name(gateway, issuer):
    accepted(gateway, signed(gateway, key_text=duis.key_info(issuer, gateway.supplier.signer.serial)))


@rows(other="CN=Z2,OU=07", part="CN=Z1", order="OU=07,CN=Z1", empty="", word="Z1", quote='CN="Z1',
      long="CN=" + "x" * 3000, plus="CN=Z1+OU=07")
def test_other_issuer(gateway, issuer):
    octets = signed(gateway, key_text=duis.key_info(issuer, gateway.supplier.signer.serial))
    refused(gateway, octets, ("certificate-unknown", "signature-profile"))


XPATH = ('<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
         "<ds:XPath>not(ancestor-or-self::sr:Body)</ds:XPath></ds:Transform>")
ENVELOPED = f'<ds:Transform Algorithm="{duis.ENVELOPED}"></ds:Transform>'
C14N = f'<ds:Transform Algorithm="{duis.EXCLUSIVE}"></ds:Transform>'

PROFILES = {
    "object": {"object_text": "<ds:Object>after</ds:Object>"},
    "object_empty": {"object_text": "<ds:Object></ds:Object>"},
    "object_described": {"object_text": '<ds:Object Id="a" MimeType="text/plain">x</ds:Object>'},
    "xpath": {"transforms": ENVELOPED + XPATH},
    "xpath_only": {"transforms": XPATH},
    "transform_more": {"transforms": ENVELOPED + C14N},
    "transform_twice": {"transforms": ENVELOPED * 2},
    "transform_other": {"transforms": C14N},
    "transform_base64": {"transforms": '<ds:Transform Algorithm='
                                       '"http://www.w3.org/2000/09/xmldsig#base64"></ds:Transform>'},
    "transform_unknown": {"transforms": '<ds:Transform Algorithm="urn:x"></ds:Transform>'},
    "canonical_inclusive": {"canonicalisation": duis.INCLUSIVE},
    "canonical_comments": {"canonicalisation": duis.EXCLUSIVE + "WithComments"},
    "canonical_unknown": {"canonicalisation": "urn:x"},
    "method_sha1": {"method": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"},
    "method_sha384": {"method": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"},
    "method_rsa": {"method": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
    "method_hmac": {"method": "http://www.w3.org/2000/09/xmldsig#hmac-sha1"},
    "digest_sha1": {"digest_method": "http://www.w3.org/2000/09/xmldsig#sha1"},
    "digest_sha512": {"digest_method": "http://www.w3.org/2001/04/xmlenc#sha512"},
    "uri_fragment": {"uri": 'URI="#body"'},
    "uri_xpointer": {"uri": 'URI="#xpointer(/)"'},
    "uri_remote": {"uri": 'URI="http://127.0.0.1:1/a.xml"'},
    "uri_file": {"uri": 'URI="file:///etc/passwd"'},
    "uri_absent": {"uri": 'Id="a"'},
    "two_references": {"references": 2},
    "no_key_info": {"key_text": ""},
    "key_name": {"key_text": "<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo>"},
    "key_retrieval": {"key_text": '<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/">'
                                  "</ds:RetrievalMethod></ds:KeyInfo>"},
    "key_subject": {"key_text": "<ds:KeyInfo><ds:X509Data><ds:X509SubjectName>CN=a"
                                "</ds:X509SubjectName></ds:X509Data></ds:KeyInfo>"},
}


@rows(**PROFILES)
def test_other_profile(gateway, profile):
    """Correctly signed, but not in the one form that is allowed."""
    refused(gateway, signed(gateway, **profile), "signature-profile")


def test_certificate_in_key_info(gateway):
    """A certificate that comes along must not be believed."""
    own = gateway.stranger.signer
    with open(own.certificate_path, encoding="ascii") as file:
        text = "".join(line for line in file.read().split("\n") if "-----" not in line)
    info = f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    canonical, _ = gateway.read()
    refused(gateway, duis.sign(canonical, own, key_text=info), "signature-profile")
    both = duis.key_info(gateway.supplier.signer.issuer, gateway.supplier.signer.serial).replace(
        "</ds:X509Data>", f"<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data>")
    refused(gateway, duis.sign(canonical, own, key_text=both), "signature-profile")


def test_two_issuer_serials(gateway):
    own = gateway.supplier.signer
    one = duis.key_info(own.issuer, own.serial)
    inner = one[len("<ds:KeyInfo><ds:X509Data>"):-len("</ds:X509Data></ds:KeyInfo>")]
    twice = f"<ds:KeyInfo><ds:X509Data>{inner * 2}</ds:X509Data></ds:KeyInfo>"
    refused(gateway, signed(gateway, key_text=twice), "signature-profile")
    apart = one.replace("</ds:KeyInfo>", f"<ds:X509Data>{inner}</ds:X509Data></ds:KeyInfo>")
    refused(gateway, signed(gateway, key_text=apart), "signature-profile")


def test_object_added_after_signing(gateway):
    octets = signed(gateway)
    refused(gateway, octets.replace(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object>x</ds:Object>", 1),
            "signature-profile")


def test_key_value_inside_key_info(gateway):
    own = gateway.supplier.signer
    info = duis.key_info(own.issuer, own.serial).replace(
        "<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>a</ds:KeyName>")
    refused(gateway, signed(gateway, key_text=info), "signature-profile")


def test_white_space_added_after_signing(gateway):
    """White space counts (XML-DSig); the official tool drops it before it verifies."""
    octets = signed(gateway)
    refused(gateway, octets.replace(b"<sr:Header>", b"<sr:Header>\n  ", 1), "signature-wrong")


def test_namespace_added_after_signing(gateway):
    octets = signed(gateway)
    refused(gateway, octets.replace(b"<sr:Request ", b'<sr:Request xmlns:extra="urn:x" ', 1),
            "signature-wrong")


def test_other_prefix_after_signing(gateway):
    octets = signed(gateway).replace(b"sr:", b"q:").replace(b"xmlns:sr", b"xmlns:q")
    refused(gateway, octets, "signature-wrong")


def test_indented_before_signing(gateway):
    """Signed with its white space, as the W3C says: valid."""
    canonical, _ = gateway.read()
    accepted(gateway, duis.sign(canonical.replace("><", ">\n\t<"), gateway.supplier.signer))


SAME_FORM = {
    "declaration": lambda o: b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n' + o,
    "byte_order_mark": lambda o: b"\xef\xbb\xbf" + o,
    "empty_tag": lambda o: o.replace(b"></sr:ReadInstantaneousExportRegisters>", b"/>", 1),
    "character_reference": lambda o: o.replace(b"Variant>1<", b"Variant>&#49;<", 1),
    "cdata": lambda o: o.replace(b"Variant>1<", b"Variant><![CDATA[1]]><", 1),
    "attribute_quotes": lambda o: o.replace(b'schemaVersion="5.4"', b"schemaVersion='5.4'", 1),
    "blanks_in_tags": lambda o: o.replace(b"</sr:Header>", b"</sr:Header >", 1),
    "order_of_namespaces": lambda o: o.replace(
        f'xmlns:ds="{duis.DS}" xmlns:sr="{duis.SR}"'.encode(),
        f'xmlns:sr="{duis.SR}" xmlns:ds="{duis.DS}"'.encode(), 1),
    "order_of_attributes": lambda o: o.replace(b"<sr:Request ", b'<sr:Request schemaVersion="5.4" ', 1)
    .replace(b' schemaVersion="5.4">', b">", 1),
    "comment": lambda o: o.replace(b"<sr:Header>", b"<!-- a comment --><sr:Header>", 1),
    "comment_at_the_end": lambda o: o + b"\n<!-- end -->\n",
    "repeated_namespace": lambda o: o.replace(
        b"<sr:Header>", f'<sr:Header xmlns:sr="{duis.SR}">'.encode(), 1),
    "value_on_lines": lambda o: o.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>\r\n  ", 1),
    "value_with_carriage_return": lambda o: o.replace(
        b"</ds:SignatureValue>", b"&#13;\n</ds:SignatureValue>", 1),
}


@rows(**SAME_FORM)
def test_same_canonical_form(gateway, change):
    """Other octets, the same canonical form: the signature still fits."""
    octets = signed(gateway)
    changed = change(octets)
    assert changed != octets
    accepted(gateway, changed)


def test_user_unknown(gateway):
    canonical, _ = gateway.read(gateway.stranger)
    refused(gateway, duis.sign(canonical, gateway.stranger.signer), "user-unknown", "E1")


def test_user_unknown_before_signature(gateway):
    refused(gateway, gateway.read(gateway.stranger)[0].encode(), "user-unknown", "E1")


def test_digest_is_of_the_request_not_of_another(gateway):
    """The signature of one request under another one."""
    first, _ = gateway.read()
    second, _ = gateway.read()
    mark = duis.signature(first, gateway.supplier.signer)
    refused(gateway, duis.insert(second, mark).encode(), "signature-wrong")
