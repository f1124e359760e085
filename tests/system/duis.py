# SPDX-License-Identifier: Apache-2.0
"""DUIS messages for tests: made, signed, verified and judged independently of the gateway's C code.

Requests are written in canonical form (no declaration, no white space between elements, namespaces
sorted), so that what is digested is the text itself; lxml's C14N is used for whatever comes in.
The profile is that of the official tool: enveloped, digest over inclusive C14N 1.0, ECDSA P-256
over exclusive C14N of SignedInfo, raw r and s, KeyInfo = issuer and serial number.
"""
import base64
import hashlib
import os
import re
import shutil
import threading

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from lxml import etree

SR = "http://www.dccinterface.co.uk/ServiceUserGateway"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

DSP = "90-B3-D5-1F-30-00-00-02"
SERVICE_OF_VARIANT = {1: "S", 2: "D", 3: "S", 4: "T", 5: "S", 6: "D", 7: "S", 8: "D"}

ORDER = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)


def path_of_variant(variant):
    return "/api/v1/service" + SERVICE_OF_VARIANT[variant]


def eui_of(name):
    """90B3D51F30010000 in any form -> 90-B3-D5-1F-30-01-00-00."""
    digits = re.sub("[^0-9A-Fa-f]", "", name).upper()
    return "-".join(digits[i:i + 2] for i in range(0, 16, 2))


class Counter:
    """Unique, increasing counters for RequestIDs; any thread."""

    def __init__(self, first=1_000_000):
        self.next_value = first
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            self.next_value += 1
            return self.next_value


class Signer:
    """A certificate (PEM) and its private key (PKCS #8, DER or PEM)."""

    def __init__(self, certificate_path, key_path):
        self.certificate_path = certificate_path
        self.key_path = key_path
        with open(certificate_path, "rb") as file:
            self.certificate = x509.load_pem_x509_certificate(file.read())
        with open(key_path, "rb") as file:
            key = file.read()
        if key.lstrip().startswith(b"-----"):
            self.key = serialization.load_pem_private_key(key, None)
        else:
            self.key = serialization.load_der_private_key(key, None)
        self.serial = self.certificate.serial_number
        self.issuer = self.certificate.issuer.rfc4514_string()

    def sign_raw(self, octets):
        r, s = utils.decode_dss_signature(self.key.sign(octets, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def request(originator, target, counter, variant, srv, body, version="5.4", reference=None):
    """A canonical, unsigned Request; `body` is the canonical XML of Body's child."""
    if reference is None:
        reference = ".".join(srv.split(".")[:2])
    return (
        f'<sr:Request xmlns:ds="{DS}" xmlns:sr="{SR}" schemaVersion="{version}"><sr:Header>'
        f"<sr:RequestID>{originator}:{target}:{counter}</sr:RequestID>"
        f"<sr:CommandVariant>{variant}</sr:CommandVariant>"
        f"<sr:ServiceReference>{reference}</sr:ServiceReference>"
        f"<sr:ServiceReferenceVariant>{srv}</sr:ServiceReferenceVariant></sr:Header>"
        f"<sr:Body>{body}</sr:Body></sr:Request>"
    )


def minify(octets):
    """Inclusive C14N of a document without white space between elements, comments and signature."""
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True, resolve_entities=False)
    root = etree.fromstring(octets, parser)
    for signature in root.findall(f"{{{DS}}}Signature"):
        root.remove(signature)
    for element in root.iter():
        if len(element) and element.text and not element.text.strip():
            element.text = None
        if element.tail and not element.tail.strip():
            element.tail = None
    etree.cleanup_namespaces(root, keep_ns_prefixes=["sr", "ds"])
    return etree.tostring(root, method="c14n", with_comments=False).decode()


def signed_info(digest, transforms=None, canonicalisation=EXCLUSIVE, method=ECDSA,
                digest_method=SHA256, uri='URI=""', references=1):
    """SignedInfo in exclusive canonical form, without its namespace declaration."""
    if transforms is None:
        transforms = f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
    reference = (
        f"<ds:Reference {uri}><ds:Transforms>{transforms}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{digest_method}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )
    return (
        "<ds:SignedInfo>"
        f'<ds:CanonicalizationMethod Algorithm="{canonicalisation}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod>'
        f"{reference * references}</ds:SignedInfo>"
    )


def key_info(issuer, serial):
    return (
        "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
        f"<ds:X509IssuerName>{issuer}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber>"
        "</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
    )


def signature(canonical, signer, object_text="", key_text=None, **profile):
    """The ds:Signature of a canonical document; `profile` alters SignedInfo (it is still signed)."""
    digest = base64.b64encode(hashlib.sha256(canonical.encode()).digest()).decode()
    info = signed_info(digest, **profile)
    signed = info.replace("<ds:SignedInfo>", f'<ds:SignedInfo xmlns:ds="{DS}">', 1)
    value = base64.b64encode(signer.sign_raw(signed.encode())).decode()
    if key_text is None:
        key_text = key_info(signer.issuer, signer.serial)
    return (
        f"<ds:Signature>{info}<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"{key_text}{object_text}</ds:Signature>"
    )


def insert(document, text):
    """Put `text` before the root's end tag."""
    end = document.rindex("</")
    return document[:end] + text + document[end:]


def sign(canonical, signer, **profile):
    return insert(canonical, signature(canonical, signer, **profile)).encode()


class Invalid(Exception):
    """A document that breaks the profile; the text says how."""


def verify(octets, certificate):
    """Raise Invalid unless `octets` carries exactly one signature, by `certificate`'s key."""
    root = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, no_network=True))
    found = root.findall(f".//{{{DS}}}Signature")
    if len(found) != 1 or found[0] is not root[-1]:
        raise Invalid(f"{len(found)} signatures, or not the last child of the root")
    mark = found[0]
    info = mark.find(f"{{{DS}}}SignedInfo")
    references = info.findall(f"{{{DS}}}Reference")
    transforms = info.findall(f".//{{{DS}}}Transform")
    if len(references) != 1 or references[0].get("URI") != "":
        raise Invalid("not one reference with an empty URI")
    algorithms = [info[0].get("Algorithm"), info[1].get("Algorithm"),
                  references[0].find(f"{{{DS}}}DigestMethod").get("Algorithm"),
                  *(transform.get("Algorithm") for transform in transforms)]
    if algorithms != [EXCLUSIVE, ECDSA, SHA256, ENVELOPED]:
        raise Invalid(f"algorithms {algorithms}")
    if mark.find(f"{{{DS}}}Object") is not None:
        raise Invalid("a ds:Object")
    serial = mark.findtext(f".//{{{DS}}}X509SerialNumber")
    if int(serial) != certificate.serial_number:
        raise Invalid("another certificate's serial number")
    signed = etree.tostring(info, method="c14n", exclusive=True, with_comments=False)
    value = base64.b64decode(mark.findtext(f"{{{DS}}}SignatureValue"))
    if len(value) != 64:
        raise Invalid(f"a signature of {len(value)} octets")
    encoded = utils.encode_dss_signature(int.from_bytes(value[:32], "big"),
                                         int.from_bytes(value[32:], "big"))
    try:
        certificate.public_key().verify(encoded, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise Invalid("the signature does not match") from error
    digest = base64.b64decode(references[0].findtext(f"{{{DS}}}DigestValue"))
    root.remove(mark)
    if hashlib.sha256(etree.tostring(root, method="c14n", with_comments=False)).digest() != digest:
        raise Invalid("the digest does not match")


class Schema:
    """The official DUIS schema for lxml. Two things stand in libxml2's way: the import of the MMC
    schema has blanks in its location, and xs:integer of more than 24 digits is rejected, which
    certificate serial numbers have; both are put right in a copy in `scratch`."""

    def __init__(self, xsd_folder, scratch):
        folder = os.path.join(scratch, "xsd")
        shutil.copytree(xsd_folder, folder)
        main = os.path.join(folder, "DUIS Schema V5.1.xsd")
        shutil.move(os.path.join(folder, "MMC Schema V5.1.xsd"), os.path.join(folder, "mmc.xsd"))
        self._edit(main, "MMC Schema V5.1.xsd", "mmc.xsd")
        self._edit(os.path.join(folder, "xmldsig-core-schema.xsd"),
                   'name="X509SerialNumber" type="integer"', 'name="X509SerialNumber" type="string"')
        self.schema = etree.XMLSchema(file=main)

    @staticmethod
    def _edit(path, old, new):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            raise Invalid(f"{path}: {old} not found")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    def check(self, octets):
        """Raise Invalid unless `octets` is valid against the schema."""
        document = etree.fromstring(octets)
        if not self.schema.validate(document):
            raise Invalid(str(self.schema.error_log.last_error))


class Response:
    """What a test asks of a DUIS Response."""

    def __init__(self, octets):
        self.octets = octets
        self.root = etree.fromstring(octets)
        self.name = etree.QName(self.root).localname
        self.version = self.root.get("schemaVersion")
        self.code = self.root.findtext(f".//{{{SR}}}ResponseCode")
        self.request_id = self.root.findtext(f"{{{SR}}}Header/{{{SR}}}RequestID")
        self.response_id = self.root.findtext(f".//{{{SR}}}ResponseID")
        self.signed = self.root.find(f"{{{DS}}}Signature") is not None
        message = self.root.find(f"{{{SR}}}Body/{{{SR}}}ResponseMessage")
        known = ("ServiceReference", "ServiceReferenceVariant")
        self.body = next((child for child in (message if message is not None else ())
                          if etree.QName(child).localname not in known), None)
        self.body_name = None if self.body is None else etree.QName(self.body).localname
        self.srv = self.root.findtext(f".//{{{SR}}}ServiceReferenceVariant")

    def payload(self):
        """The octets of GBCSPayload, wherever it is."""
        return base64.b64decode(self.root.findtext(f".//{{{SR}}}GBCSPayload"))


class Request:
    """What a provider in a test reads of a Request."""

    def __init__(self, octets):
        root = etree.fromstring(octets)
        self.request_id = root.findtext(f".//{{{SR}}}RequestID")
        self.variant = int(root.findtext(f".//{{{SR}}}CommandVariant"))
        self.reference = root.findtext(f".//{{{SR}}}ServiceReference")
        self.srv = root.findtext(f".//{{{SR}}}ServiceReferenceVariant")
        self.version = root.get("schemaVersion")


def transform_response(octets, code="I0", now="2026-01-01T00:00:00.00Z"):
    """The unsigned Response of a transform provider to a Request (doc/providers.md)."""
    asked = Request(octets)
    element = {2: "LocalCommand", 3: "LocalCommand", 4: "PreCommand", 6: "LocalCommand",
               7: "LocalCommand"}.get(asked.variant)
    payload = base64.b64encode(b"\xdf\x09" + bytes(30)).decode()
    version = "<sr:GBCSVersion>4.1</sr:GBCSVersion>" if element == "PreCommand" else ""
    body = (f"<sr:{element}>{version}<sr:GBCSPayload>{payload}</sr:GBCSPayload></sr:{element}>"
            if element and code == "I0" else "")
    return (
        f'<sr:Response xmlns:sr="{SR}" schemaVersion="{asked.version}"><sr:Header>'
        f"<sr:RequestID>{asked.request_id}</sr:RequestID><sr:ResponseCode>{code}</sr:ResponseCode>"
        f"<sr:ResponseDateTime>{now}</sr:ResponseDateTime></sr:Header><sr:Body>"
        f"<sr:ResponseMessage><sr:ServiceReference>{asked.reference}</sr:ServiceReference>"
        f"<sr:ServiceReferenceVariant>{asked.srv}</sr:ServiceReferenceVariant>{body}"
        f"</sr:ResponseMessage></sr:Body></sr:Response>"
    ).encode()
