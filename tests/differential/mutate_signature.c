/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a signature: other algorithms, more of everything, other places. */
#include <string.h>

#include "tests/differential/mutate.h"

#define PICK(chance, list) (list)[chance_below(chance, sizeof(list) / sizeof((list)[0]))]

/* The last element of that name, or TOKEN_NONE. */
static size_t find(const struct mutation *mutation, const char *name)
{
	for (size_t step = mutation->tokens.element_count; step-- > 0;)
		if (tokens_is_named(&mutation->tokens, mutation->tokens.elements[step], name))
			return mutation->tokens.elements[step];
	return TOKEN_NONE;
}

/* Change one character of DigestValue, SignatureValue or the issuer. */
static bool change_character(struct mutation *mutation)
{
	static const char *const names[] = {
		"DigestValue", "SignatureValue", "X509IssuerName", "X509SerialNumber"};
	static const char characters[] = "ABCDabcd0189+/= ";
	size_t index = find(mutation, PICK(mutation->chance, names));
	const struct token *token;
	size_t end;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->kind != TOKEN_START || token->close == TOKEN_NONE)
		return false;
	end = mutation->tokens.tokens[token->close].begin;
	if (end <= token->end)
		return false;
	mutation->document->bytes[token->end + chance_below(mutation->chance, end - token->end)] =
		(uint8_t)characters[chance_below(mutation->chance, sizeof(characters) - 1)];
	return true;
}

/* White space in base64, which the schema and the profile allow. */
static bool space_base64(struct mutation *mutation)
{
	static const char *const names[] = {"DigestValue", "SignatureValue"};
	static const char *const blanks[] = {" ", "\n", "&#13;\n", "\t", "\r\n"};
	size_t index = find(mutation, PICK(mutation->chance, names));
	const struct token *token;
	size_t end;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	if (token->kind != TOKEN_START || token->close == TOKEN_NONE)
		return false;
	end = mutation->tokens.tokens[token->close].begin;
	mutate_insert(mutation, token->end + chance_below(mutation->chance, end - token->end + 1),
		PICK(mutation->chance, blanks));
	return true;
}

static bool change_algorithm(struct mutation *mutation)
{
	static const char *const names[] = {"CanonicalizationMethod", "SignatureMethod",
		"Transform", "DigestMethod", "Reference"};
	static const char *const values[] = {"http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
		"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
		"http://www.w3.org/2000/09/xmldsig#sha1",
		"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "", "#x",
		"http://www.w3.org/2001/04/xmlenc#sha256 ",
		"http://www.w3.org/TR/1999/REC-xpath-19991116"};
	size_t index = find(mutation, PICK(mutation->chance, names));
	const struct token_attribute *attribute;

	if (index == TOKEN_NONE || mutation->tokens.tokens[index].attribute_count == 0)
		return false;
	attribute = &mutation->tokens.attributes[mutation->tokens.tokens[index].first_attribute];
	mutate_replace(
		mutation, attribute->value, attribute->value_end, PICK(mutation->chance, values));
	return true;
}

/* Put schema-valid content where the profile allows none. `@` stands for the prefix. */
static bool add_part(struct mutation *mutation)
{
	static const struct {
		const char *name;
		bool behind; /* behind the element, not in it */
		const char *text;
	} parts[] = {
		{"KeyInfo", true, "<@Object>x</@Object>"},
		{"KeyInfo", true, "<@Object Id=\"o\"><any xmlns=\"urn:any\"/></@Object>"},
		{"KeyInfo", false, "<@KeyName>k</@KeyName>"},
		{"KeyInfo", false, "text"},
		{"X509IssuerSerial", true, "<@X509SubjectName>CN=x</@X509SubjectName>"},
		{"Transform", true,
			"<@Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"},
		{"Transform", true,
			"<@Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">"
			"<@XPath>true()</@XPath></@Transform>"},
		{"Reference", true,
			"<@Reference URI=\"\"><@DigestMethod "
			"Algorithm=\"urn:d\"/><@DigestValue>AA==</@DigestValue></@Reference>"},
		{"CanonicalizationMethod", false, "mixed"},
		{"SignatureMethod", false, "<@HMACOutputLength>128</@HMACOutputLength>"},
		{"DigestMethod", false, "<x xmlns=\"urn:x\"/>"},
		{"CanonicalizationMethod", false, "<?p i?>"},
		{"SignatureMethod", false, "<!-- c -->"},
		{"Transform", false, "<?p?> "},
		{"Transform", false, "<![CDATA[ ]]>"},
		{"DigestMethod", false, "\n"},
		{"KeyInfo", false, "<?p?><!-- c -->"},
		{"X509Data", false, "<?p?>"},
		{"DigestValue", false, "<?p?>"},
		{"SignatureValue", false, "<!-- c -->"},
	};
	size_t choice = chance_below(mutation->chance, sizeof(parts) / sizeof(parts[0]));
	size_t index = find(mutation, parts[choice].name);
	struct buffer text = {0};
	const struct token *token;
	size_t length;
	size_t prefix;

	if (index == TOKEN_NONE)
		return false;
	token = &mutation->tokens.tokens[index];
	tokens_local_name(&mutation->tokens, index, &length);
	prefix = token->name_end - token->name - length;
	for (const char *step = parts[choice].text; *step != '\0'; step++) {
		if (*step == '@')
			buffer_add(&text, mutation->document->bytes + token->name, prefix);
		else
			buffer_byte(&text, (uint8_t)*step);
	}
	length = parts[choice].behind ? tokens_element_end(&mutation->tokens, index) : token->end;
	if (!parts[choice].behind && token->kind == TOKEN_EMPTY) {
		/* "<a/>" becomes "<a>...</a>". */
		struct buffer open = {0};

		buffer_print(&open, ">%s</%.*s>", (const char *)text.bytes,
			(int)(token->name_end - token->name),
			(const char *)mutation->document->bytes + token->name);
		buffer_splice(mutation->document, length - 2, length, open.bytes, open.length);
		buffer_free(&open);
	} else {
		buffer_splice(mutation->document, length, length, text.bytes, text.length);
	}
	buffer_free(&text);
	return true;
}

static bool second_signature(struct mutation *mutation)
{
	size_t index = find(mutation, "Signature");
	struct buffer text = {0};
	size_t begin;
	size_t end;
	size_t at;

	if (index == TOKEN_NONE)
		return false;
	begin = mutation->tokens.tokens[index].begin;
	end = tokens_element_end(&mutation->tokens, index);
	buffer_add(&text, mutation->document->bytes + begin, end - begin);
	at = chance_hits(mutation->chance, 50)
		     ? end
		     : mutation->tokens.tokens[mutate_pick_element(mutation, true)].begin;
	buffer_splice(mutation->document, at, at, text.bytes, text.length);
	buffer_free(&text);
	return true;
}

static bool drop_signature(struct mutation *mutation)
{
	size_t index = find(mutation, "Signature");

	if (index == TOKEN_NONE)
		return false;
	buffer_splice(mutation->document, mutation->tokens.tokens[index].begin,
		tokens_element_end(&mutation->tokens, index), NULL, 0);
	return true;
}

const struct mutate_kind mutate_signature_kinds[] = {
	{"signature-character", change_character, 4, false},
	{"signature-space", space_base64, 3, true},
	{"signature-algorithm", change_algorithm, 3, false},
	{"signature-part", add_part, 4, false},
	{"second-signature", second_signature, 1, false},
	{"drop-signature", drop_signature, 1, true},
	{NULL, NULL, 0, false},
};
