/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distinguished names for comparison. DUIS names a certificate by the text of its issuer and by its
 * serial number, and the text varies between signers: "CN=Z1,OU=07", "CN=Z1, OU=07",
 * "2.5.4.3=Z1;OU=\30\37". All of these become one normal form:
 *
 *     CN=z1 <0x1f> OU=07        (relative names in the order of the text)
 *
 * The values of a multi-valued relative name are joined by 0x1e. Control characters in a value are
 * refused, so the separators cannot be forged.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dataplane/duis/document.h"

#define NAME_SEPARATOR 0x1f
#define VALUE_SEPARATOR 0x1e
#define TYPE_SIZE 64
/* Longest value, unescaped; whatever exceeds it would not fit into the result either. */
#define VALUE_SIZE DUIS_ISSUER_SIZE

/* Names of RFC 4514 section 3, of RFC 2985 / RFC 4519 as tools print them, and their OIDs. The
 * first name of an OID is the normal one. */
static const struct {
	const char *oid;
	const char *name;
} attribute_types[] = {
	{"2.5.4.3", "CN"},
	{"2.5.4.3", "COMMONNAME"},
	{"2.5.4.4", "SN"},
	{"2.5.4.5", "SERIALNUMBER"},
	{"2.5.4.6", "C"},
	{"2.5.4.7", "L"},
	{"2.5.4.8", "ST"},
	{"2.5.4.8", "S"},
	{"2.5.4.9", "STREET"},
	{"2.5.4.10", "O"},
	{"2.5.4.11", "OU"},
	{"2.5.4.12", "TITLE"},
	{"2.5.4.42", "GN"},
	{"2.5.4.45", "X500UNIQUEIDENTIFIER"},
	{"2.5.4.46", "DNQUALIFIER"},
	{"0.9.2342.19200300.100.1.1", "UID"},
	{"0.9.2342.19200300.100.1.25", "DC"},
	{"1.2.840.113549.1.9.1", "EMAILADDRESS"},
	{"1.2.840.113549.1.9.1", "E"},
};

#define ATTRIBUTE_TYPES (sizeof(attribute_types) / sizeof(attribute_types[0]))

struct reader {
	const char *at;
	const char *end;
};

struct writer {
	char *out;
	size_t length;
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && is_blank(*reader->at))
		reader->at++;
}

static char fold_up(char byte)
{
	return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

static char fold_down(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (fold_down(digit) >= 'a' && fold_down(digit) <= 'f')
		return fold_down(digit) - 'a' + 10;
	return -1;
}

static int write_bytes(struct writer *writer, const char *bytes, size_t length)
{
	if (length >= DUIS_ISSUER_SIZE - writer->length)
		return -EBADMSG;
	memcpy(writer->out + writer->length, bytes, length);
	writer->length += length;
	return 0;
}

/* Read "type =" and write its normal name and '='. */
static int read_type(struct reader *reader, struct writer *writer)
{
	char type[TYPE_SIZE];
	size_t length = 0;
	const char *name = type;

	skip_blanks(reader);
	for (; reader->at < reader->end; reader->at++) {
		char byte = fold_up(*reader->at);
		bool is_name = (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
			       byte == '.' || byte == '-';

		if (!is_name)
			break;
		if (length + 1 >= sizeof(type))
			return -EBADMSG;
		type[length++] = byte;
	}
	type[length] = '\0';
	skip_blanks(reader);
	if (length == 0 || reader->at == reader->end || *reader->at != '=')
		return -EBADMSG;
	reader->at++;
	if (strncmp(name, "OID.", 4) == 0)
		name += 4;
	for (size_t at = 0; at < ATTRIBUTE_TYPES; at++) {
		const char *oid = attribute_types[at].oid;

		if (strcmp(name, oid) != 0 && strcmp(name, attribute_types[at].name) != 0)
			continue;
		while (at > 0 && strcmp(attribute_types[at - 1].oid, oid) == 0)
			at--;
		name = attribute_types[at].name;
		break;
	}
	return write_bytes(writer, name, strlen(name)) != 0 || write_bytes(writer, "=", 1) != 0
		       ? -EBADMSG
		       : 0;
}

/* One escape behind a backslash: two hex digits are an octet, anything else stands for itself. */
static int read_escape(struct reader *reader, char *byte)
{
	int high;
	int low;

	reader->at++;
	if (reader->at == reader->end)
		return -EBADMSG;
	high = hex_value(reader->at[0]);
	low = reader->end - reader->at >= 2 ? hex_value(reader->at[1]) : -1;
	if (high >= 0 && low >= 0) {
		*byte = (char)(high << 4 | low);
		reader->at += 2;
		return 0;
	}
	*byte = *reader->at++;
	return 0;
}

/* Read a value up to its separator into value[0 .. *length), unescaped, not yet folded. */
static int read_value(struct reader *reader, char *value, size_t *length)
{
	bool quoted;

	*length = 0;
	skip_blanks(reader);
	quoted = reader->at < reader->end && *reader->at == '"';
	if (quoted)
		reader->at++;
	while (reader->at < reader->end) {
		char byte = *reader->at;

		if (quoted ? byte == '"' : byte == ',' || byte == ';' || byte == '+')
			break;
		if (byte == '\\') {
			if (read_escape(reader, &byte) != 0)
				return -EBADMSG;
		} else if (!quoted && byte == '"') {
			return -EBADMSG;
		} else {
			reader->at++;
		}
		if ((unsigned char)byte < 0x20 ? !is_blank(byte) : byte == 0x7f)
			return -EBADMSG;
		if (*length + 1 >= VALUE_SIZE)
			return -EBADMSG;
		value[(*length)++] = byte;
	}
	if (!quoted)
		return 0;
	if (reader->at == reader->end)
		return -EBADMSG;
	reader->at++;
	skip_blanks(reader);
	return 0;
}

/* A value in the "#" form is the BER of the value. The string types that names use become their
 * text, so that "#130231" and "1" are the same; other types stay as they are. */
static int decode_hex(char *value, size_t *length)
{
	enum {
		UTF8_STRING = 0x0c,
		PRINTABLE_STRING = 0x13,
		IA5_STRING = 0x16,
		SHORT_LENGTH_MAX = 0x7f,
	};
	unsigned char octets[VALUE_SIZE / 2];
	size_t count = 0;

	if (*length < 5 || *length % 2 == 0)
		return -EBADMSG;
	for (size_t at = 1; at < *length; at += 2) {
		int high = hex_value(value[at]);
		int low = hex_value(value[at + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		octets[count++] = (unsigned char)(high << 4 | low);
	}
	if (octets[0] != UTF8_STRING && octets[0] != PRINTABLE_STRING && octets[0] != IA5_STRING)
		return 0;
	if (octets[1] > SHORT_LENGTH_MAX || octets[1] != count - 2)
		return 0;
	for (size_t at = 2; at < count; at++)
		if (octets[at] < 0x20 || octets[at] == 0x7f)
			return -EBADMSG;
	*length = count - 2;
	memcpy(value, octets + 2, *length);
	return 0;
}

/* Write a value with its case folded, its ends trimmed and its inner white space collapsed. */
static int write_value(struct writer *writer, const char *value, size_t length)
{
	bool gap = false;
	bool any = false;

	for (size_t at = 0; at < length; at++) {
		char byte = fold_down(value[at]);

		if (is_blank(byte)) {
			gap = true;
			continue;
		}
		if (gap && any && write_bytes(writer, " ", 1) != 0)
			return -EBADMSG;
		if (write_bytes(writer, &byte, 1) != 0)
			return -EBADMSG;
		gap = false;
		any = true;
	}
	return 0;
}

int duis_issuer_normalise(const char *text, size_t length, char *out)
{
	struct reader reader = {.at = text, .end = text + length};
	struct writer writer = {.out = out};
	char value[VALUE_SIZE];

	for (;;) {
		size_t value_length;
		char separator;
		bool hex;

		if (read_type(&reader, &writer) != 0)
			return -EBADMSG;
		skip_blanks(&reader);
		hex = reader.at < reader.end && *reader.at == '#';
		if (read_value(&reader, value, &value_length) != 0)
			return -EBADMSG;
		while (hex && value_length > 0 && is_blank(value[value_length - 1]))
			value_length--;
		if (hex && decode_hex(value, &value_length) != 0)
			return -EBADMSG;
		if (write_value(&writer, value, value_length) != 0)
			return -EBADMSG;
		if (reader.at == reader.end)
			break;
		if (*reader.at != ',' && *reader.at != ';' && *reader.at != '+')
			return -EBADMSG;
		separator = *reader.at == '+' ? VALUE_SEPARATOR : NAME_SEPARATOR;
		reader.at++;
		if (write_bytes(&writer, &separator, 1) != 0)
			return -EBADMSG;
	}
	out[writer.length] = '\0';
	return (int)writer.length;
}
