/* SPDX-License-Identifier: Apache-2.0 */
/* motorway-schema as it is started: options, exit statuses, what it prints, and what it does with
 * files that are none, or not those that it expects. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define XSD "$MOTORWAY_VAR/duis/xsd/DUIS Schema V5.1.xsd"
#define OVERLAY TEST_ROOT "/conf/schema/mp162.yaml"
#define TEMPLATE "$MOTORWAY_VAR/duis/templates/5.2_READ_SCHEDULE_REQUEST_DUIS.XML"

static char folder[] = "/tmp/schema-program-XXXXXX";
static char output[65536];

/* Run the shell command in the test's folder, where $S is motorway-schema; its standard output and
 * error are in `output`. Returns its exit status. */
static int run(const char *command)
{
	char line[4096];
	FILE *stream;
	size_t length;
	int status;

	snprintf(line, sizeof(line), "cd %s; S=$MOTORWAY_SCHEMA; { %s; } 2>&1 </dev/null", folder,
		command);
	stream = popen(line, "r");
	cr_assert_not_null(stream);
	length = fread(output, 1, sizeof(output) - 1, stream);
	output[length] = '\0';
	status = pclose(stream);
	cr_assert(WIFEXITED(status), "%s: %s", command, output);
	return WEXITSTATUS(status);
}

static void expect(const char *command, int status, const char *words)
{
	int result = run(command);

	cr_expect_eq(result, status, "%s: status %d\n%s", command, result, output);
	cr_expect_not_null(strstr(output, words), "%s: no \"%s\" in\n%s", command, words, output);
}

static void create(void)
{
	cr_assert(getenv("MOTORWAY_SCHEMA") != NULL && getenv("MOTORWAY_VAR") != NULL,
		"MOTORWAY_SCHEMA names the program; meson test sets it");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(run("$S compile --overlay " OVERLAY " \"" XSD "\" -o image"), 0, "%s", output);
	cr_assert_str_eq(output, "");
}

static void destroy(void)
{
	run("rm -rf \"$PWD\"");
}

TestSuite(schema_program, .init = create, .fini = destroy, .timeout = 100);

Test(schema_program, usage)
{
	static const char *const wrong[] = {"", "x", "--version", "compile", "compile a",
		"compile -o b", "compile a b -o c", "show", "show a b", "validate", "validate a",
		"show --nonsense image", "compile a -o"};

	for (size_t index = 0; index < sizeof(wrong) / sizeof(wrong[0]); index++) {
		char command[128];

		snprintf(command, sizeof(command), "$S %s", wrong[index]);
		expect(command, 2, "usage: motorway-schema compile");
		cr_expect(strstr(output, "compile: ") == NULL, "%s", output);
	}
	expect("$S --help 2>&-", 0, "usage: motorway-schema compile");
	expect("$S -h 2>&-", 0, "usage: motorway-schema compile");
	expect("$S compile --help 2>&-", 0, "usage: motorway-schema compile");
	expect("$S validate --help 2>&-", 0, "usage: motorway-schema compile");
}

/* An option that would be passed over in silence is a mistake of who gave it. */
Test(schema_program, options_of_other_commands)
{
	expect("$S show image --json", 2, "show does not take --json");
	expect("$S show --overlay " OVERLAY " image", 2, "show does not take --overlay");
	expect("$S compile a.xsd -o b --engine fast", 2, "compile does not take --engine");
	expect("$S compile a.xsd -o b --version 5.1", 2, "compile does not take --version");
	expect("$S validate image x -o y", 2, "validate does not take --output");
	expect("$S validate image x --engine other", 2, "--engine is fast or reference");
	expect("$S validate image x --version 5.4", 2, "go with --engine reference");
	expect("$S validate image x --engine fast --overlay o", 2, "go with --engine reference");
	expect("$S validate a.xsd x --engine reference", 2, "over an XSD needs --version");
	expect("$S validate image x --engine reference --overlay " OVERLAY, 2,
		"an image has its overlays in it");
	expect("$S validate image x --engine reference --version six", 2, "\"six\" is no decimal");
	expect("$S validate a.xsd x --engine reference --version six", 2, "\"six\" is no decimal");
}

Test(schema_program, show)
{
	expect("$S show image", 0, "global element  Request of http://www.dccinterface.co.uk/");
	cr_expect_not_null(strstr(output, "overlay         mp162.yaml\n"), "%s", output);
	cr_expect_not_null(strstr(output, "\nstates          "), "%s", output);
	cr_expect_not_null(strstr(output, "\nformat          2\n"), "%s", output);
	/* The sources are what they were: bytes and SHA-256 as other programs see them. */
	expect("for f in \"" XSD "\" " OVERLAY
	       "; do $S show image | grep -F \"$(stat -Lc %s \"$f\")"
	       " bytes, SHA-256 $(sha256sum <\"$f\" | cut -c-64)\" || exit; done",
		0, "bytes");
	expect("$S show image >/dev/full", 2, "standard output: No space left");
	expect("$S show gone", 2, "motorway-schema: gone: No such file");
	expect("$S show .", 2, "motorway-schema: .: Is a directory");
	expect("$S show /dev/null", 2, "motorway-schema: /dev/null: not a schema image");
	expect("$S show /dev/zero", 2, "motorway-schema: /dev/zero: not a schema image");
	expect("mkfifo pipe && timeout 20 $S show pipe", 2, "pipe: not a schema image");
	expect(": >empty; $S show empty", 2, "empty: not a schema image");
	expect("$S show \"" XSD "\"", 2, "not a schema image");
	expect("head -c 1000 image >short; $S show short", 2, "short: not a valid schema image");
	expect("{ cat image; echo; } >long; $S show long", 2, "long: not a valid schema image");
	expect("{ head -c 5000 image; printf x; tail -c +5002 image; } >changed; $S show changed",
		2, "changed: not a valid schema image: the checksum is wrong");
	expect("{ printf 'MWSCHEMA\\003\\000\\000\\000'; tail -c +13 image; } >new; $S show new", 2,
		"format 3; this program reads format 2: make it again with motorway-schema "
		"compile");
	expect("{ printf 'MWSCHEMA\\001\\000\\000\\000'; tail -c +13 image; } >old; "
	       "$S validate old old",
		2, "old: schema image of format 1; this program reads format 2");
}

Test(schema_program, validate)
{
	expect("$S validate image \"" TEMPLATE "\"", 0, "_DUIS.XML: valid\n");
	expect("$S validate \"" XSD "\" \"" TEMPLATE "\" --engine reference --version 5.4 "
	       "--overlay " OVERLAY,
		0, "_DUIS.XML: valid\n");
	expect("$S validate \"" XSD "\" \"" TEMPLATE "\" --engine reference --version 5.1", 1,
		": schema-version at byte ");
	expect("sed 's/CommandVariant>8</CommandVariant>x</' \"" TEMPLATE "\" >bad; "
	       "$S validate image bad",
		1, " in /sr:Request/sr:Header/sr:CommandVariant: ");
	expect("$S validate image bad \"" TEMPLATE "\" --json", 1,
		"{\"file\":\"bad\",\"valid\":false,\"code\":\"schema\",\"offset\":");
	cr_expect_not_null(strstr(output, "_DUIS.XML\",\"valid\":true}\n"), "%s", output);
	expect("$S validate image /dev/null", 1, "/dev/null: empty at byte 0");
	expect("$S validate image /dev/zero", 1, "/dev/zero: too-large at byte ");
	expect("$S validate image image", 1, "image: not-well-formed at byte 0");
	expect("$S validate image .", 2, "motorway-schema: .: Is a directory");
	expect("$S validate image gone \"" TEMPLATE "\"", 2, "motorway-schema: gone: No such file");
	cr_expect_not_null(strstr(output, ": valid\n"), "%s", output);
	expect("$S validate image bad >/dev/full", 2, "standard output: No space left");
	expect("$S validate \"" XSD "\" bad", 2, "not a schema image");
	expect("head -c 1000 image >short; $S validate short bad --engine reference", 2,
		"short: not a valid schema image");
}

static void write_schema(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	fprintf(file, "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' %s</xs:schema>\n",
		text);
	fclose(file);
}

/* Both engines over one image, with nothing else there: the templates, and each of them damaged. */
Test(schema_program, engines_over_an_image)
{
	expect("mkdir t a b c d; export TMPDIR=$PWD/t; "
	       "for f in a b c d; do cp \"$MOTORWAY_VAR\"/duis/templates/*.XML $f; done; "
	       "sed -i 's/<sr:DeviceID>/&x/;s/<sr:[A-Za-z]*DateTime>/&2/' b/*; "
	       "sed -i 's/<sr:Body>/&<sr:Body\\/>/' c/*; truncate -s 900 d/*; "
	       "for e in fast reference; do $S validate image ?/*.XML --engine $e >$e; "
	       "sed 's/\\(: [a-z-]*\\).*/\\1/' $e >verdicts-$e; done; "
	       "cmp verdicts-fast verdicts-reference && ls t && grep -c ': valid' fast",
		0, "");
	cr_expect_geq(atoi(output), 297, "%s", output);
	expect("grep -c ': schema' fast", 0, "");
	cr_expect_geq(atoi(output), 250, "%s", output);
	expect("grep -c ': not-well-formed' fast", 0, "");
	cr_expect_geq(atoi(output), 297, "%s", output);
	/* The version may be named. */
	expect("$S validate image \"" TEMPLATE "\" --engine reference --version 5.4", 0, ": valid");
	expect("$S validate image \"" TEMPLATE "\" --engine reference --version 5.1", 1,
		": schema-version at byte ");
}

/* Nothing stays of the folder, however the program ends. */
Test(schema_program, sources_are_removed)
{
	expect("mkdir t; export TMPDIR=$PWD/t; $S validate image gone --engine reference; ls t", 0,
		"gone: No such file");
	cr_expect(strstr(output, "motorway-schema-") == NULL, "%s", output);
	expect("export TMPDIR=$PWD/none; $S validate image bad --engine reference", 2,
		"none: no folder for the image's sources: No such file");
	expect("export TMPDIR=$PWD/t; for n in 1 2 3 4 5 6 7 8 9; do "
	       "timeout -s INT 0.0$n $S validate image image image --engine reference; "
	       "timeout -s TERM 0.0$n $S validate image image image --engine reference; "
	       "done; ls -A t; echo done",
		0, "done\n");
	cr_expect(strstr(output, "motorway-schema-") == NULL, "%s", output);
	expect("rmdir t", 0, "");
}

/* Names and folders of the files are not what the image goes by. */
Test(schema_program, sources_of_many_folders)
{
	expect("mkdir -p 'a b/c' t", 0, "");
	write_schema("a b/c/one.xsd",
		"targetNamespace='http://www.dccinterface.co.uk/ServiceUserGateway' "
		"xmlns:t='urn:2' elementFormDefault='qualified'>"
		"<!-- --><xs:import namespace='urn:3'/>"
		"<xs:import namespace='urn:2' schemaLocation='../../&#x61;%20b/two.xsd'/>"
		"<xs:element name='Request'><xs:complexType><xs:sequence>"
		"<xs:element ref='t:b'/></xs:sequence><xs:attribute name='schemaVersion' "
		"type='xs:decimal'/>"
		"</xs:complexType></xs:element>"
		"<xs:element name='Response' type='xs:int'/>");
	write_schema("a b/two.xsd", "targetNamespace='urn:2' xmlns:o='urn:3'>"
				    "<xs:import namespace='urn:3' schemaLocation='./three.xsd'/>"
				    "<xs:element name='b' type='o:n'/>");
	write_schema("a b/three.xsd",
		"targetNamespace='urn:3'><xs:simpleType name='n'><xs:restriction base='xs:int'>"
		"<xs:maxInclusive value='7'/></xs:restriction></xs:simpleType>");
	expect("cd 'a b/c' && $S compile one.xsd -o ../../image && cd ../.. && rm -r 'a b'", 0, "");
	/* The schema lets 7 pass; that it is no request comes after. */
	expect("for n in 7 8; do echo \"<Request xmlns='http://www.dccinterface.co.uk/"
	       "ServiceUserGateway' schemaVersion='1'><b xmlns='urn:2'>$n</b></Request>\" >$n; "
	       "done; "
	       "TMPDIR=$PWD/t $S validate image 7 8 --engine reference",
		1,
		"7: schema at byte 0 in /Request: the value is not one that DUIS defines\n"
		"8: schema at byte 101 in /Request/b: the value is greater than 7\n");
	expect("$S validate image 7 8", 1,
		"7: schema at byte 0 in /Request: the value is not one that DUIS defines\n"
		"8: schema at byte 101 in /Request/b: the value must be an integer");
	expect("rmdir t", 0, "");
}

/* What an import says of the namespace must be so. */
Test(schema_program, import_of_another_namespace)
{
	write_schema("other.xsd", "targetNamespace='urn:2'><xs:element name='b' type='xs:int'/>");
	write_schema("none.xsd", "><xs:element name='b' type='xs:int'/>");
	write_schema("a.xsd", "targetNamespace='urn:1'>\n"
			      "<xs:import namespace='urn:3' schemaLocation='other.xsd'/>"
			      "<xs:element name='a' type='xs:int'/>");
	expect("$S compile a.xsd -o b", 2,
		"a.xsd:2:1: the import is of namespace \"urn:3\", but the target namespace of "
		"other.xsd is \"urn:2\"");
	write_schema("a.xsd", "targetNamespace='urn:1'>\n\n<xs:import schemaLocation='other.xsd'/>"
			      "<xs:element name='a' type='xs:int'/>");
	expect("$S compile a.xsd -o b", 2, "a.xsd:3:1: the import is of namespace \"\", but");
	write_schema("a.xsd", "targetNamespace='urn:1'>\n"
			      "<xs:import namespace='urn:2' schemaLocation='none.xsd'/>"
			      "<xs:element name='a' type='xs:int'/>");
	expect("$S compile a.xsd -o b", 2, "of none.xsd is \"\"");
	expect("$S validate a.xsd a.xsd --engine reference --version 1", 2, "of none.xsd is \"\"");
	write_schema("a.xsd", "targetNamespace='urn:1'>\n<xs:import schemaLocation='none.xsd'/>"
			      "<xs:element name='a' type='xs:int'/>");
	expect("$S compile a.xsd -o b", 0, "");
}

Test(schema_program, compile)
{
	struct stat status;
	char path[256];

	write_schema("a.xsd", "><xs:element name='a' type='xs:int'/>");
	expect("$S compile gone.xsd -o b", 2, "gone.xsd:1:1: cannot read the schema: No such file");
	expect("$S compile . -o b", 2, ".:1:1: cannot read the schema: Is a directory");
	expect("$S compile /dev/null -o b", 2, "/dev/null:1:1: ");
	expect("$S compile /dev/zero -o b", 2, "/dev/zero:1:1: ");
	expect("$S compile image -o b", 2, "image:1:1: ");
	expect("$S compile a.xsd --overlay gone.yaml -o b", 2, "gone.yaml:1:1: ");
	expect("$S compile a.xsd -o none/b", 2, "none/b: No such file");
	expect("mkdir d; $S compile a.xsd -o d", 2, "d: Is a directory");
	expect("! test -e b", 0, "");
	/* What is there stays when it is no file, and when the new one fails. */
	expect("mkfifo pipe; $S compile a.xsd -o pipe", 2, "pipe: not a regular file");
	snprintf(path, sizeof(path), "%s/pipe", folder);
	cr_expect(stat(path, &status) == 0 && S_ISFIFO(status.st_mode));
	expect("cp image old; $S compile gone.xsd -o old", 2, "gone.xsd");
	expect("cmp image old && ls", 0, "old");
	cr_expect(strstr(output, ".new") == NULL, "%s", output);
	expect("$S compile a.xsd -o old && $S show old", 0, "global element  a\n");
	/* The same files give the same image. */
	expect("$S compile --overlay " OVERLAY " \"" XSD "\" -o twin && cmp image twin", 0, "");
}

/* Two schemas may import each other, by whatever way each names the other's file. */
Test(schema_program, imports_in_a_circle)
{
	expect("mkdir below", 0, "");
	write_schema("one.xsd", "targetNamespace='urn:1' xmlns:two='urn:2' "
				"elementFormDefault='qualified'>"
				"<xs:import namespace='urn:2' schemaLocation='below/two.xsd'/>"
				"<xs:element name='a'><xs:complexType><xs:sequence>"
				"<xs:element ref='two:b'/></xs:sequence></xs:complexType>"
				"</xs:element>");
	write_schema("below/two.xsd",
		"targetNamespace='urn:2' xmlns:one='urn:1'>"
		"<xs:import namespace='urn:1' schemaLocation='.././below/../one.xsd'/>"
		"<xs:element name='b' type='xs:int'/>");
	expect("$S compile one.xsd -o b && $S show b", 0, "schema          one.xsd of urn:1\n");
	cr_expect_not_null(strstr(output, "schema          two.xsd of urn:2\n"), "%s", output);
}
