/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the official signing tool (tool.jar) over many messages in one JVM, because starting one JVM
 * for each message would take minutes. One command a line on standard input, fields parted by tabs:
 *
 *     sign      INPUT OUTPUT [CERTIFICATE KEY]   certificate PEM, key PKCS #8 DER; without them the
 *                                                tool takes its own key of the RequestID's originator
 *     validate  INPUT [CERTIFICATE]              without it the tool finds one by serial number
 *
 * and for each one line on standard output: the tool's ResultCode, a tab, and what the tool wrote to
 * its standard error, its lines joined by " | ". The tool reads System.in ("-") and writes System.out
 * and System.err, so these are exchanged for each call.
 */
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import uk.co.smartdcc.boxed.xmldsig.ResultCode;
import uk.co.smartdcc.boxed.xmldsig.Sign;
import uk.co.smartdcc.boxed.xmldsig.Validate;

public final class Interop {
	private interface Tool {
		ResultCode run(String[] arguments);
	}

	private static ResultCode run(Tool tool, List<String> arguments, Path input, Path output,
			ByteArrayOutputStream messages) throws Exception {
		ByteArrayOutputStream written = new ByteArrayOutputStream();
		System.setIn(new ByteArrayInputStream(Files.readAllBytes(input)));
		System.setOut(new PrintStream(written, true, "UTF-8"));
		System.setErr(new PrintStream(messages, true, "UTF-8"));
		ResultCode code = tool.run(arguments.toArray(new String[0]));
		System.out.flush();
		System.err.flush();
		if (output != null && code == ResultCode.SUCCESS) {
			Files.write(output, written.toByteArray());
		}
		return code;
	}

	private static String execute(String[] command) throws Exception {
		ByteArrayOutputStream messages = new ByteArrayOutputStream();
		List<String> arguments = new ArrayList<>();
		arguments.add("-");
		ResultCode code;
		if (command[0].equals("sign") && (command.length == 3 || command.length == 5)) {
			arguments.add("--preserveCounter");
			for (int i = 3; i < command.length; i++) {
				arguments.add(command[i]);
			}
			code = run(Sign::main_aux, arguments, Path.of(command[1]), Path.of(command[2]), messages);
		} else if (command[0].equals("validate") && (command.length == 2 || command.length == 3)) {
			if (command.length == 3) {
				arguments.add(command[2]);
			}
			code = run(Validate::main_aux, arguments, Path.of(command[1]), null, messages);
		} else {
			return "NOT_UNDERSTOOD\t";
		}
		String text = messages.toString(StandardCharsets.UTF_8).strip();
		return code + "\t" + text.replaceAll("[\\r\\n]+", " | ").replace('\t', ' ');
	}

	public static void main(String[] unused) throws Exception {
		InputStream commands = System.in;
		PrintStream results = System.out;
		BufferedReader reader = new BufferedReader(
			new InputStreamReader(commands, StandardCharsets.UTF_8));
		for (String line = reader.readLine(); line != null; line = reader.readLine()) {
			String result;
			try {
				result = execute(line.split("\t"));
			} catch (Exception error) {
				result = "EXCEPTION\t" + error;
			}
			results.println(result);
			results.flush();
		}
	}
}
