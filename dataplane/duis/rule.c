/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is allowed comes from the schema, through the few parts of libxml2's report that hold
 * nothing of the document: the facet's own value (its second string), and the end of its message,
 * which names a type or the expected elements. A message that may have been cut is not used at all,
 * since its end could then be the document's.
 */
#include <stdio.h>
#include <string.h>

#include <libxml/xmlerror.h>

#include "dataplane/duis/rule.h"

/* libxml2 cuts messages near 64,000 bytes. */
#define MESSAGE_BYTES_MAX 32000

/* Where the text of what is allowed comes from. */
enum allowed_source {
	ALLOWED_NONE = 0,
	ALLOWED_FACET,	  /* the error's second string */
	ALLOWED_TYPE,	  /* behind the last "type '" of the message */
	ALLOWED_ELEMENTS, /* behind the last "Expected is" of the message */
};

struct rule {
	int code;
	enum allowed_source allowed;
	const char *text;
};

static const struct rule schema_rules[] = {
	{XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, ALLOWED_TYPE, "the value is not of its type"},
	{XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2, ALLOWED_TYPE, "the value is not of its list type"},
	{XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3, ALLOWED_TYPE, "the value is not of its union type"},
	{XML_SCHEMAV_CVC_TYPE_3_1_1, ALLOWED_NONE, "the element must not have attributes"},
	{XML_SCHEMAV_CVC_TYPE_3_1_2, ALLOWED_NONE, "the element must hold a value, not elements"},
	{XML_SCHEMAV_CVC_LENGTH_VALID, ALLOWED_FACET, "the length of the value must be"},
	{XML_SCHEMAV_CVC_MINLENGTH_VALID, ALLOWED_FACET, "the value is shorter than"},
	{XML_SCHEMAV_CVC_MAXLENGTH_VALID, ALLOWED_FACET, "the value is longer than"},
	{XML_SCHEMAV_CVC_MININCLUSIVE_VALID, ALLOWED_FACET, "the value is less than"},
	{XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID, ALLOWED_FACET, "the value is greater than"},
	{XML_SCHEMAV_CVC_MINEXCLUSIVE_VALID, ALLOWED_FACET, "the value must be greater than"},
	{XML_SCHEMAV_CVC_MAXEXCLUSIVE_VALID, ALLOWED_FACET, "the value must be less than"},
	{XML_SCHEMAV_CVC_TOTALDIGITS_VALID, ALLOWED_FACET, "the value has more digits than"},
	{XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID, ALLOWED_FACET,
		"the value has more fraction digits than"},
	{XML_SCHEMAV_CVC_PATTERN_VALID, ALLOWED_FACET, "the value does not match the pattern"},
	{XML_SCHEMAV_CVC_ENUMERATION_VALID, ALLOWED_FACET, "the value is not one of"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1, ALLOWED_NONE, "the element must be empty"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_2_2, ALLOWED_NONE,
		"the element must hold a value, not elements"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3, ALLOWED_NONE,
		"the element must hold elements only, no text"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1, ALLOWED_NONE, "the attribute is not allowed here"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2, ALLOWED_NONE, "the attribute is not allowed here"},
	{XML_SCHEMAV_CVC_COMPLEX_TYPE_4, ALLOWED_NONE, "a required attribute is missing"},
	{XML_SCHEMAV_CVC_ELT_1, ALLOWED_NONE, "the schema does not declare this element"},
	{XML_SCHEMAV_CVC_ELT_2, ALLOWED_NONE, "the element is abstract"},
	{XML_SCHEMAV_CVC_ELT_3_1, ALLOWED_NONE, "xsi:nil is not allowed"},
	{XML_SCHEMAV_CVC_WILDCARD, ALLOWED_NONE,
		"the schema does not declare this element or attribute"},
	{XML_SCHEMAV_ELEMENT_CONTENT, ALLOWED_ELEMENTS, "the elements are not as declared"},
};

static const struct rule parser_rules[] = {
	{XML_ERR_DOCUMENT_EMPTY, ALLOWED_NONE, "there is no root element"},
	{XML_ERR_DOCUMENT_END, ALLOWED_NONE,
		"only comments, white space and processing instructions may follow the root "
		"element"},
	{XML_ERR_INVALID_HEX_CHARREF, ALLOWED_NONE, "a character reference must be &#xHEX;"},
	{XML_ERR_INVALID_DEC_CHARREF, ALLOWED_NONE, "a character reference must be &#DECIMAL;"},
	{XML_ERR_INVALID_CHARREF, ALLOWED_NONE, "a character reference must be &#N; or &#xN;"},
	{XML_ERR_INVALID_CHAR, ALLOWED_NONE, "this character is not allowed in XML"},
	{XML_ERR_ENTITYREF_SEMICOL_MISSING, ALLOWED_NONE, "an entity reference must end in ';'"},
	{XML_ERR_ENTITYREF_NO_NAME, ALLOWED_NONE, "'&' must be written as &amp;"},
	{XML_ERR_NAME_REQUIRED, ALLOWED_NONE, "a name is expected"},
	{XML_ERR_UNDECLARED_ENTITY, ALLOWED_NONE,
		"the entities allowed are &amp; &lt; &gt; &quot; and &apos;"},
	{XML_ERR_LT_IN_ATTRIBUTE, ALLOWED_NONE, "'<' is not allowed in an attribute value"},
	{XML_ERR_ATTRIBUTE_NOT_STARTED, ALLOWED_NONE, "an attribute value must be quoted"},
	{XML_ERR_ATTRIBUTE_NOT_FINISHED, ALLOWED_NONE, "an attribute value is not closed"},
	{XML_ERR_ATTRIBUTE_WITHOUT_VALUE, ALLOWED_NONE, "an attribute has no value"},
	{XML_ERR_ATTRIBUTE_REDEFINED, ALLOWED_NONE, "an attribute stands twice in one tag"},
	{XML_ERR_MISPLACED_CDATA_END, ALLOWED_NONE, "']]>' is not allowed in text"},
	{XML_ERR_STRING_NOT_STARTED, ALLOWED_NONE, "a value must be quoted"},
	{XML_ERR_STRING_NOT_CLOSED, ALLOWED_NONE, "a quoted value is not closed"},
	{XML_ERR_EQUAL_REQUIRED, ALLOWED_NONE, "'=' is expected"},
	{XML_ERR_COMMENT_NOT_FINISHED, ALLOWED_NONE, "a comment is not closed"},
	{XML_ERR_HYPHEN_IN_COMMENT, ALLOWED_NONE, "'--' is not allowed in a comment"},
	{XML_ERR_PI_NOT_STARTED, ALLOWED_NONE, "a processing instruction must have a target"},
	{XML_ERR_PI_NOT_FINISHED, ALLOWED_NONE, "a processing instruction is not closed"},
	{XML_ERR_RESERVED_XML_NAME, ALLOWED_NONE,
		"the XML declaration may stand at the very start only"},
	{XML_ERR_XMLDECL_NOT_FINISHED, ALLOWED_NONE, "the XML declaration is not closed"},
	{XML_ERR_CDATA_NOT_FINISHED, ALLOWED_NONE, "a CDATA section is not closed"},
	{XML_ERR_LT_REQUIRED, ALLOWED_NONE, "'<' is expected"},
	{XML_ERR_GT_REQUIRED, ALLOWED_NONE, "a tag is not closed by '>'"},
	{XML_ERR_SPACE_REQUIRED, ALLOWED_NONE, "white space is expected"},
	{XML_ERR_TAG_NAME_MISMATCH, ALLOWED_NONE, "the end tag does not match its start tag"},
	{XML_ERR_TAG_NOT_FINISHED, ALLOWED_NONE, "the document ends inside of an element"},
	{XML_ERR_VERSION_MISSING, ALLOWED_NONE, "the XML declaration has no version"},
	{XML_ERR_UNKNOWN_VERSION, ALLOWED_NONE, "only XML 1.0 is accepted"},
	{XML_ERR_STANDALONE_VALUE, ALLOWED_NONE, "standalone must be yes or no"},
	{XML_ERR_ENCODING_NAME, ALLOWED_NONE, "the name of the encoding is none"},
	{XML_WAR_NS_URI, ALLOWED_NONE, "the name of a namespace must be a URI"},
	{XML_NS_ERR_XML_NAMESPACE, ALLOWED_NONE, "a namespace may not be declared so"},
	{XML_NS_ERR_UNDEFINED_NAMESPACE, ALLOWED_NONE, "a prefix is not declared"},
	{XML_NS_ERR_QNAME, ALLOWED_NONE, "a name has more than one colon or an empty part"},
	{XML_NS_ERR_ATTRIBUTE_REDEFINED, ALLOWED_NONE, "an attribute stands twice in one tag"},
	{XML_NS_ERR_EMPTY, ALLOWED_NONE, "a prefix may not be declared empty"},
	{XML_NS_ERR_COLON, ALLOWED_NONE, "a colon is not allowed here"},
};

#define COUNT(rules) (sizeof(rules) / sizeof((rules)[0]))

static const struct rule *find(const struct rule *rules, size_t count, int code)
{
	for (size_t index = 0; index < count; index++)
		if (rules[index].code == code)
			return &rules[index];
	return NULL;
}

/* The last place of `text` in the message, or NULL; never in a message that may have been cut. */
static const char *behind_last(const char *message, const char *text)
{
	const char *found = NULL;

	if (message == NULL || strnlen(message, MESSAGE_BYTES_MAX) == MESSAGE_BYTES_MAX)
		return NULL;
	for (const char *at = strstr(message, text); at != NULL; at = strstr(at + 1, text))
		found = at + strlen(text);
	return found;
}

/* Append text up to one of `stops`, without the namespaces that libxml2 writes as {URI}. */
static void append_names(char rule[DUIS_RULE_SIZE], const char *text, const char *stops)
{
	size_t length = strlen(rule);

	while (*text != '\0' && strchr(stops, *text) == NULL && length < DUIS_RULE_SIZE - 1) {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;

		if (close != NULL)
			text = close + 1;
		else
			rule[length++] = *text++;
	}
	while (length > 0 && rule[length - 1] == ' ')
		length--;
	rule[length] = '\0';
}

static void append(char rule[DUIS_RULE_SIZE], const char *text)
{
	size_t length = strlen(rule);

	snprintf(rule + length, DUIS_RULE_SIZE - length, "%s", text);
}

/* A text that filled its room may end in the middle of a character. */
static void cut(char rule[DUIS_RULE_SIZE])
{
	size_t length = strlen(rule);

	if (length < DUIS_RULE_SIZE - 1)
		return;
	while (length > 0 && ((unsigned char)rule[length - 1] & 0xc0) == 0x80)
		length--;
	if (length > 0 && ((unsigned char)rule[length - 1] & 0x80) != 0)
		length--;
	rule[length] = '\0';
}

static void append_elements(char rule[DUIS_RULE_SIZE], const char *message)
{
	const char *expected = behind_last(message, "Expected is");

	snprintf(rule, DUIS_RULE_SIZE, "%s",
		behind_last(message, "Missing child element(s)") != NULL
			? "an element is missing"
			: "the element is not allowed here");
	if (expected == NULL)
		return;
	expected = strchr(expected, '(');
	if (expected == NULL)
		return;
	append(rule, "; allowed: ");
	append_names(rule, expected + 1 + strspn(expected + 1, " "), ")\n");
}

void duis_rule_schema(const xmlError *error, char rule[DUIS_RULE_SIZE])
{
	const struct rule *found = find(schema_rules, COUNT(schema_rules), error->code);
	const char *limit;
	const char *type;

	if (found == NULL) {
		snprintf(rule, DUIS_RULE_SIZE, "rule %d of the schema is broken", error->code);
		return;
	}
	snprintf(rule, DUIS_RULE_SIZE, "%s", found->text);
	switch (found->allowed) {
	case ALLOWED_NONE:
		break;
	case ALLOWED_FACET:
		/* An attribute's length error has value, length and limit; all others have
		 * value and limit, or length and limit. */
		limit = error->str3 != NULL ? error->str3 : error->str2;
		if (limit == NULL)
			break;
		append(rule, " ");
		append(rule, limit);
		break;
	case ALLOWED_TYPE:
		type = behind_last(error->message, "type '");
		if (type == NULL)
			break;
		append(rule, ", ");
		append_names(rule, type, "'\n");
		break;
	case ALLOWED_ELEMENTS:
		append_elements(rule, error->message);
		break;
	}
	cut(rule);
}

void duis_rule_parser(const xmlError *error, char rule[DUIS_RULE_SIZE])
{
	const struct rule *found = find(parser_rules, COUNT(parser_rules), error->code);

	if (found != NULL)
		snprintf(rule, DUIS_RULE_SIZE, "%s", found->text);
	else
		snprintf(rule, DUIS_RULE_SIZE, "rule %d of XML is broken", error->code);
}

bool duis_rule_is_content(const xmlError *error)
{
	return (error->code >= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 &&
		       error->code <= XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3) ||
	       (error->code >= XML_SCHEMAV_CVC_FACET_VALID &&
		       error->code <= XML_SCHEMAV_CVC_ENUMERATION_VALID);
}
