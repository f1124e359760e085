# SPDX-License-Identifier: Apache-2.0
"""Wrong flags, missing files, damaged YAML: told in words with file:line:column, never a crash."""
import re
import subprocess

import gateway as gateways
from cases import rows
from gateway import Gateway, laid_over, write_yaml

PROGRAMS = {"motorway": gateways.MOTORWAY, "motorway_control": gateways.CONTROL,
            "motorwayctl": gateways.CTL}


def run(program, *arguments):
    return subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False, stdin=subprocess.DEVNULL,
                          env=gateways.sanitizer_environment())


def told(result, *patterns):
    """It must end with an error status of its own, and say why."""
    assert result.returncode in (1, 2), f"exit status {result.returncode}\n{result.stderr[-2000:]}"
    assert not gateways.COMPLAINTS.search(result.stderr), result.stderr[-3000:]
    for pattern in patterns:
        assert re.search(pattern, result.stderr), f"no {pattern} in:\n{result.stderr[-2000:]}"


@rows(**PROGRAMS, motorway_sim=gateways.SIM)
def test_help_and_version(program):
    for argument, pattern in (("--help", "usage: "), ("--version", r"\d+\.\d+\.\d+")):
        result = run(program, argument)
        assert result.returncode == 0 and re.search(pattern, result.stdout), result


@rows(**PROGRAMS)
def test_wrong_flags(program):
    for arguments in (["--no-such-flag"], ["-x"], ["-c"], []):
        told(run(program, *arguments), "usage|missing|unknown|requires|invalid")


def test_wrong_flags_of_the_simulator():
    for arguments in (["--no-such-flag"], ["-c"], ["dance"], ["--rate", "many"], ["--rate", "0"]):
        told(run(gateways.SIM, *arguments), "motorway-sim")


@rows(**PROGRAMS, motorway_sim=gateways.SIM)
def test_missing_configuration(program):
    extra = ["status"] if program == gateways.CTL else []
    told(run(program, "-c", "/nonexistent/motorway.yaml", *extra), "/nonexistent/motorway.yaml")


@rows(**PROGRAMS)
def test_configuration_is_a_folder(program):
    extra = ["status"] if program == gateways.CTL else []
    told(run(program, "-c", "/tmp", *extra), "/tmp")


def unstarted(conf=None):
    return Gateway(conf, start=False)


def test_check_of_what_is_right():
    with unstarted() as own:
        for program in (gateways.CONTROL, gateways.MOTORWAY):
            result = run(program, "-c", own.conf_path, "--check")
            assert result.returncode == 0, result.stderr


def test_the_project_s_own_configuration():
    result = run(gateways.CONTROL, "-c", gateways.ROOT / "conf" / "motorway.yaml", "--check")
    assert result.returncode == 0, result.stderr


TEXTS = {
    "syntax": "data_plane: [1, 2",
    "tab": "data_plane:\n\tlcores: 1\n",
    "quote": 'edge:\n  listen: "127.0.0.1:1\n',
    "binary": "\x01\x02\x03",
    "list": "- a\n- b\n",
    "scalar": "hello\n",
    "empty": "",
    "two_documents": "a: 1\n---\nb: 2\n",
    "anchor": "data_plane: &a {lcores: 1}\nedge: *a\n",
    "deep": "a: " + "[" * 200 + "]" * 200 + "\n",
    "repeated": "data_plane: {lcores: 1}\ndata_plane: {lcores: 1}\n",
}


@rows(**TEXTS)
def test_damaged_yaml(text):
    with unstarted() as own:
        with open(own.conf_path, "w", encoding="utf-8") as file:
            file.write(text)
        for program in (gateways.CONTROL, gateways.MOTORWAY):
            told(run(program, "-c", own.conf_path), r"motorway\.yaml:\d+:\d+: ")


WRONG = {
    "unknown_section": ({"nonsense": {}}, "nonsense"),
    "unknown_key": ({"edge": {"listn": "127.0.0.1:1"}}, "listn"),
    "not_a_number": ({"edge": {"connections_max": "many"}}, "connections_max"),
    "too_small": ({"edge": {"connections_max": 0}}, "connections_max.*1"),
    "too_large": ({"edge": {"connections_max": 65537}}, "connections_max.*65536"),
    "negative": ({"south": {"dispatch_timeout_ms": -1}}, "dispatch_timeout_ms"),
    "fraction": ({"south": {"dispatch_timeout_ms": 1.5}}, "dispatch_timeout_ms"),
    "enormous": ({"south": {"dispatch_timeout_ms": 10 ** 30}}, "dispatch_timeout_ms"),
    "no_power_of_two": ({"north": {"lane_items_max": 1000}}, "lane_items_max"),
    "choice": ({"data_plane": {"idle": "sleep"}}, "idle"),
    "address": ({"edge": {"listen": "localhost"}}, "listen"),
    "address_port": ({"edge": {"listen": "127.0.0.1:99999"}}, "listen"),
    "same_address": ({"edge": {"listen": "127.0.0.1:4000", "provider_listen": "127.0.0.1:4000"}},
                     "listen"),
    "eui": ({"signing": {"dsp_eui": "90-B3"}}, "dsp_eui"),
    "engine": ({"schema": {"engine": "magic"}}, "engine"),
    "no_versions": ({"schema": {"versions": []}}, "versions"),
    "long_socket": ({"control": {"socket": "/tmp/" + "x" * 120}}, "socket"),
    "answer_code": ({"answers": {"user-unknown": {"code": "hello", "http": 403, "assumed": False}}},
                    "code"),
    "answer_reason": ({"answers": {"no-such-reason": {"code": "E1", "http": 403, "assumed": False}}},
                      "no-such-reason"),
    "answer_status": ({"answers": {"user-unknown": {"code": "E1", "http": 500, "assumed": False}}},
                      "http"),
    "backoff_order": ({"north": {"delivery_backoff_ms": 5000, "delivery_backoff_max_ms": 100}},
                      "delivery_backoff"),
    "memory": ({"data_plane": {"memory_mb": 64}, "messages": {"small": 1000000}}, "memory_mb"),
    "section_is_a_number": ({"edge": 5}, "edge"),
    "section_is_a_list": ({"edge": [1]}, "edge"),
}


@rows(**WRONG)
def test_wrong_value(case):
    """file:line:column of the wrong value, and what is wrong or allowed."""
    over, pattern = case
    with unstarted(over) as own:
        result = run(gateways.CONTROL, "-c", own.conf_path, "--check")
        told(result, r"motorway\.yaml:\d+:\d+: ", pattern)
        told(run(gateways.MOTORWAY, "-c", own.conf_path), r"motorway\.yaml:\d+:\d+: ")


def test_all_errors_are_told():
    """Three mistakes, three lines."""
    over = {"edge": {"connections_max": 0, "listn": 1}, "data_plane": {"idle": "sleep"}}
    with unstarted(over) as own:
        result = run(gateways.CONTROL, "-c", own.conf_path, "--check")
        told(result, "connections_max", "listn", "idle")


def test_line_and_column_are_right():
    with unstarted() as own:
        with open(own.conf_path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        number = next(i for i, line in enumerate(lines) if "connections_max" in line)
        column = lines[number].index(":") + 3
        lines[number] = lines[number].split(":")[0] + ": many"
        with open(own.conf_path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        result = run(gateways.CONTROL, "-c", own.conf_path, "--check")
        told(result, rf"motorway\.yaml:{number + 1}:{column}: ")


@rows(key={"signing": {"key": "/nonexistent/dsp.key"}},
      certificate={"signing": {"certificate": "/nonexistent/dsp.pem"}},
      image={"schema": {"versions": [{"version": "5.4", "image": "/nonexistent/a.image"}]}},
      xsd={"schema": {"engine": "reference",
                      "versions": [{"version": "5.4", "xsd": "/nonexistent/a.xsd"}]}},
      overlay={"schema": {"engine": "reference",
                          "versions": [{"version": "5.4", "overlays": ["/nonexistent/o.yaml"],
                                        "xsd": "../var/duis/xsd/DUIS Schema V5.1.xsd"}]}})
def test_missing_file_of_the_data_plane(over):
    with unstarted(over) as own:
        told(run(gateways.MOTORWAY, "-c", own.conf_path), "/nonexistent/")


@rows(users="users", devices="devices", providers="providers", access="access")
def test_missing_file_of_control(name):
    with unstarted({"reference": {name: "/nonexistent/reference.yaml"}}) as own:
        told(run(gateways.CONTROL, "-c", own.conf_path), "/nonexistent/reference.yaml")


def test_key_and_certificate_do_not_belong_together():
    with unstarted({"signing": {"certificate":
                                "../var/duis/certificates/xml-sign-90B3D51F30010000-ds.pem"}}) as own:
        told(run(gateways.MOTORWAY, "-c", own.conf_path), "certificate|key")


REFERENCE = {
    "user_eui": ("users", ("users", 0, "eui"), "90-B3", "eui"),
    "user_role": ("users", ("users", 0, "roles"), ["IS", "KING"], "roles.*MDR"),
    "user_certificate": ("users", ("users", 0, "certificates"), ["/nonexistent/a.pem"],
                         "/nonexistent/a.pem"),
    "user_url": ("users", ("users", 0, "callback_url"), "ftp://a/", "URL"),
    "user_host": ("users", ("users", 0, "callback_url"), "http://[::1]:1/", "URL"),
    "user_twice": ("users", ("users", 1, "eui"), "90-B3-D5-1F-30-01-00-00",
                   "second time"),
    "device_id": ("devices", ("devices", 0, "device_id"), "xx", "device_id"),
    "device_provider": ("devices", ("devices", 0, "provider"), "nobody", "nobody|provider"),
    "device_generation": ("devices", ("devices", 0, "generation"), "SMETS9", "generation"),
    "device_twice": ("devices", ("devices", 1, "device_id"), "00-DB-12-34-56-78-90-A0",
                     "second time"),
    "provider_kind": ("providers", ("providers", 0, "kind"), "bus", "kind"),
    "provider_id": ("providers", ("providers", 0, "id"), 64, "id"),
    "provider_id_twice": ("providers", ("providers", 1, "id"), 0, "id"),
    "provider_name": ("providers", ("providers", 0, "name"), "a b/c", "name"),
    "provider_url": ("providers", ("providers", 0, "url"), "127.0.0.1", "URL"),
}


@rows(**REFERENCE)
def test_wrong_reference_data(case):
    import yaml
    file_name, place, value, pattern = case
    with unstarted() as own:
        path = own.path("conf", "reference", f"{file_name}.yaml")
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        top, number, key = place
        content[top][number] = laid_over(content[top][number], {key: value})
        write_yaml(path, content)
        result = run(gateways.CONTROL, "-c", own.conf_path, "--check")
        told(result, rf"{file_name}\.yaml:\d+:\d+: ", pattern)


def test_certificate_of_another_eui():
    """A user's certificate must carry the user's own EUI-64."""
    import yaml
    with unstarted() as own:
        path = own.path("conf", "reference", "users.yaml")
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        content["users"][0]["certificates"] = content["users"][1]["certificates"]
        write_yaml(path, content)
        told(run(gateways.CONTROL, "-c", own.conf_path, "--check"), r"users\.yaml:\d+:\d+: ")


def test_wrong_eal_arguments():
    with unstarted() as own:
        result = run(gateways.MOTORWAY, "-c", own.conf_path, "--", "--no-such-eal-option")
        told(result)
