/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader walks a signature from its first to its last element and takes each one exactly once:
 * what it does not expect at a place is refused there, so nothing can hide in between.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/bn.h>

#include "dataplane/duis/base64.h"
#include "dataplane/duis/profile.h"

struct reader {
	struct duis_profile *profile;
	struct duis_profile_breach *breach;
};

static int refuse(
	struct reader *reader, enum duis_error_code code, xmlNodePtr node, const char *rule)
{
	reader->breach->code = code;
	reader->breach->node = node;
	reader->breach->rule = rule;
	return -EBADMSG;
}

static bool is_dsig(const xmlNode *node, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
	       strcmp((const char *)node->ns->href, DUIS_DSIG_NAMESPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr next_element(xmlNodePtr node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

static xmlNodePtr first_child(xmlNodePtr node)
{
	return next_element(node->children);
}

xmlNodePtr duis_profile_find(xmlNodePtr root)
{
	for (xmlNodePtr child = root->last; child != NULL; child = child->prev)
		if (is_dsig(child, "Signature"))
			return child;
	return NULL;
}

/* Whether `node` has the attribute `name` = `value` in no namespace, and no other one. */
static bool only_attribute(const xmlNode *node, const char *name, const char *value)
{
	xmlChar *found;
	bool same;

	if (node->properties == NULL || node->properties->next != NULL ||
		node->properties->ns != NULL ||
		strcmp((const char *)node->properties->name, name) != 0)
		return false;
	found = xmlNodeGetContent((xmlNodePtr)node->properties);
	same = found != NULL && strcmp((const char *)found, value) == 0;
	xmlFree(found);
	return same;
}

/* Whether all that `node` holds is white space and comments. */
static bool is_empty(const xmlNode *node)
{
	for (xmlNodePtr child = node->children; child != NULL; child = child->next)
		if (child->type != XML_COMMENT_NODE && !xmlIsBlankNode(child))
			return false;
	return true;
}

static xmlNodePtr next_in_document(xmlNodePtr node)
{
	if (node->type == XML_ELEMENT_NODE && node->children != NULL)
		return node->children;
	while (node != NULL && node->next == NULL)
		node = node->parent;
	return node != NULL ? node->next : NULL;
}

/*
 * In a Request the Signature is the only one. A Response may carry signatures of others inside its
 * body (a SMETS1 service provider signs its own part); they are covered by the root's signature
 * like any content, and are not looked at here.
 */
static int check_place(struct reader *reader, xmlNodePtr root, xmlNodePtr signature)
{
	for (xmlNodePtr node = signature->next; node != NULL; node = node->next)
		if (node->type != XML_COMMENT_NODE && !xmlIsBlankNode(node))
			return refuse(reader, DUIS_ERROR_SIGNATURE_PLACE, signature,
				"nothing but white space and comments may follow ds:Signature in "
				"the root");
	if (strcmp((const char *)root->name, "Response") == 0)
		return 0;
	for (xmlNodePtr node = root; node != NULL; node = next_in_document(node))
		if (node != signature && is_dsig(node, "Signature"))
			return refuse(reader, DUIS_ERROR_SIGNATURE_PLACE, node,
				"a request has one ds:Signature, the last child of the root");
	return 0;
}

static int check_algorithm(struct reader *reader, xmlNodePtr node, const char *name,
	const char *algorithm, const char *rule)
{
	if (!is_dsig(node, name) || !only_attribute(node, "Algorithm", algorithm) ||
		!is_empty(node))
		return refuse(reader, DUIS_ERROR_SIGNATURE_ALGORITHM, node, rule);
	return 0;
}

static int check_transforms(struct reader *reader, xmlNodePtr transforms)
{
	xmlNodePtr transform = is_dsig(transforms, "Transforms") ? first_child(transforms) : NULL;

	if (transform == NULL || transforms->properties != NULL)
		return refuse(reader, DUIS_ERROR_SIGNATURE_TRANSFORM, transforms,
			"ds:Transforms with the one ds:Transform enveloped-signature is required");
	if (!is_dsig(transform, "Transform") ||
		!only_attribute(transform, "Algorithm", DUIS_ENVELOPED_SIGNATURE) ||
		!is_empty(transform))
		return refuse(reader, DUIS_ERROR_SIGNATURE_TRANSFORM, transform,
			"the transform must be " DUIS_ENVELOPED_SIGNATURE " without content");
	if (next_element(transform->next) != NULL)
		return refuse(reader, DUIS_ERROR_SIGNATURE_TRANSFORM, next_element(transform->next),
			"only one ds:Transform is allowed");
	return 0;
}

static ssize_t read_base64(xmlNodePtr node, uint8_t *octets, size_t capacity)
{
	xmlChar *text = xmlNodeGetContent(node);
	ssize_t count = -EBADMSG;

	if (text != NULL)
		count = duis_base64_decode(
			(const char *)text, strlen((const char *)text), octets, capacity);
	xmlFree(text);
	return count;
}

static int read_reference(struct reader *reader, xmlNodePtr reference)
{
	xmlNodePtr node;
	int result;

	if (!is_dsig(reference, "Reference"))
		return refuse(reader, DUIS_ERROR_SIGNATURE_REFERENCE, reference,
			"exactly one ds:Reference is required");
	if (next_element(reference->next) != NULL)
		return refuse(reader, DUIS_ERROR_SIGNATURE_REFERENCE, next_element(reference->next),
			"only one ds:Reference is allowed");
	if (!only_attribute(reference, "URI", ""))
		return refuse(reader, DUIS_ERROR_SIGNATURE_REFERENCE, reference,
			"ds:Reference must have URI=\"\" and no other attribute");
	node = first_child(reference);
	result = check_transforms(reader, node);
	if (result != 0)
		return result;
	node = next_element(node->next);
	result = check_algorithm(reader, node, "DigestMethod", DUIS_SHA256,
		"the digest algorithm must be " DUIS_SHA256);
	if (result != 0)
		return result;
	node = next_element(node->next);
	reader->profile->digest_node = node;
	if (!is_dsig(node, "DigestValue") || node->properties != NULL ||
		read_base64(node, reader->profile->digest, DUIS_DIGEST_SIZE) != DUIS_DIGEST_SIZE)
		return refuse(reader, DUIS_ERROR_DIGEST_MISMATCH, node,
			"ds:DigestValue must be the 32 octets of a SHA-256 digest");
	return 0;
}

static int read_signed_info(struct reader *reader, xmlNodePtr info)
{
	xmlNodePtr node;
	int result;

	/* An attribute can only be an Id, which is there to be referenced. */
	if (!is_dsig(info, "SignedInfo") || info->properties != NULL)
		return refuse(reader, DUIS_ERROR_SIGNATURE_REFERENCE, info,
			"ds:SignedInfo must have no attributes");
	node = first_child(info);
	result = check_algorithm(reader, node, "CanonicalizationMethod", DUIS_EXCLUSIVE_C14N,
		"the canonicalisation must be " DUIS_EXCLUSIVE_C14N " without prefix list");
	if (result != 0)
		return result;
	node = next_element(node->next);
	result = check_algorithm(reader, node, "SignatureMethod", DUIS_ECDSA_SHA256,
		"the signature algorithm must be " DUIS_ECDSA_SHA256);
	if (result != 0)
		return result;
	return read_reference(reader, next_element(node->next));
}

/* A decimal of any length, as the schema allows it, to 20 octets. */
static bool read_serial(xmlNodePtr node, uint8_t serial[DUIS_SERIAL_SIZE])
{
	enum {
		DIGITS_MAX = 49, /* of 2^160 - 1 */
	};
	xmlChar *text = xmlNodeGetContent(node);
	char digits[DIGITS_MAX + 1];
	size_t length = 0;
	BIGNUM *number = NULL;
	bool fits = false;
	bool any = false;

	for (const xmlChar *at = text; at != NULL && *at != '\0'; at++) {
		if (*at == '-')
			length = DIGITS_MAX + 1;
		if (*at < '0' || *at > '9')
			continue;
		any = true;
		if (*at == '0' && length == 0)
			continue;
		if (length < DIGITS_MAX)
			digits[length] = (char)*at;
		length++;
	}
	if (any && length <= DIGITS_MAX) {
		digits[length] = '\0';
		fits = BN_dec2bn(&number, length > 0 ? digits : "0") > 0 &&
		       BN_bn2binpad(number, serial, DUIS_SERIAL_SIZE) == DUIS_SERIAL_SIZE;
	}
	BN_free(number);
	xmlFree(text);
	return fits;
}

static bool read_issuer(xmlNodePtr node, char issuer[DUIS_ISSUER_SIZE])
{
	xmlChar *text = xmlNodeGetContent(node);
	bool good = text != NULL && duis_issuer_normalise((const char *)text,
					    strlen((const char *)text), issuer) > 0;

	xmlFree(text);
	return good;
}

/* `parent` holds exactly one element, `name`, and neither holds attributes. */
static xmlNodePtr only_child(xmlNodePtr parent, const char *name)
{
	xmlNodePtr child = first_child(parent);

	if (!is_dsig(child, name) || parent->properties != NULL || child->properties != NULL ||
		next_element(child->next) != NULL)
		return NULL;
	return child;
}

/* KeyInfo has mixed content: besides the one element, only white space and comments may stand. */
static bool has_text(xmlNodePtr node)
{
	for (xmlNodePtr child = node->children; child != NULL; child = child->next)
		if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) &&
			!xmlIsBlankNode(child))
			return true;
	return false;
}

static int read_key_info(struct reader *reader, xmlNodePtr info, xmlNodePtr signature)
{
	xmlNodePtr data;
	xmlNodePtr both;
	xmlNodePtr issuer;
	xmlNodePtr serial;

	if (!is_dsig(info, "KeyInfo"))
		return refuse(
			reader, DUIS_ERROR_SIGNATURE_KEY_INFO, signature, "ds:KeyInfo is missing");
	data = only_child(info, "X509Data");
	both = data != NULL ? only_child(data, "X509IssuerSerial") : NULL;
	if (both == NULL || has_text(info))
		return refuse(reader, DUIS_ERROR_SIGNATURE_KEY_INFO, info,
			"ds:KeyInfo must hold one X509Data with one X509IssuerSerial and nothing "
			"else");
	issuer = first_child(both);
	serial = issuer != NULL ? next_element(issuer->next) : NULL;
	if (!is_dsig(issuer, "X509IssuerName") || !is_dsig(serial, "X509SerialNumber") ||
		issuer->properties != NULL || serial->properties != NULL)
		return refuse(reader, DUIS_ERROR_SIGNATURE_KEY_INFO, both,
			"X509IssuerSerial must hold X509IssuerName and X509SerialNumber");
	if (!read_issuer(issuer, reader->profile->issuer))
		return refuse(reader, DUIS_ERROR_SIGNATURE_KEY_INFO, issuer,
			"X509IssuerName must be a distinguished name (RFC 2253)");
	if (!read_serial(serial, reader->profile->serial))
		return refuse(reader, DUIS_ERROR_SIGNATURE_KEY_INFO, serial,
			"X509SerialNumber must be from 0 to 2^160 - 1");
	return 0;
}

int duis_profile_read(xmlNodePtr root, xmlNodePtr signature, struct duis_profile *profile,
	struct duis_profile_breach *breach)
{
	struct reader reader = {.profile = profile, .breach = breach};
	xmlNodePtr node;
	int result = check_place(&reader, root, signature);

	if (result != 0)
		return result;
	if (signature->properties != NULL)
		return refuse(&reader, DUIS_ERROR_SIGNATURE_REFERENCE, signature,
			"ds:Signature must have no attributes");
	for (node = first_child(signature); node != NULL; node = next_element(node->next))
		if (is_dsig(node, "Object"))
			return refuse(&reader, DUIS_ERROR_SIGNATURE_OBJECT, node,
				"ds:Object is not allowed");
	node = first_child(signature);
	profile->signed_info = node;
	result = read_signed_info(&reader, node);
	if (result != 0)
		return result;
	node = next_element(node->next);
	profile->value_node = node;
	if (!is_dsig(node, "SignatureValue") || node->properties != NULL ||
		read_base64(node, profile->value, DUIS_SIGNATURE_VALUE_SIZE) !=
			DUIS_SIGNATURE_VALUE_SIZE)
		return refuse(&reader, DUIS_ERROR_SIGNATURE_VALUE, node,
			"ds:SignatureValue must be 64 octets, r and s, without attributes");
	return read_key_info(&reader, next_element(node->next), signature);
}
