"""`flask doctor` prints what the doctor finds."""

from support.portal_app import FEISHU, WECOM


def run(portal, *names):
    return portal.test_cli_runner().invoke(args=["doctor", *names])


def test_the_command_examines_elements_and_reports_by_exit_status(doctor, portal):
    done = run(portal)
    assert done.exit_code == 0, done.output
    assert FEISHU in done.output and WECOM in done.output and "✓ ok" in done.output
    for name in (WECOM, f"auths.loginTypes.{WECOM}"):
        done = run(portal, name)
        assert done.exit_code == 0 and FEISHU not in done.output and WECOM in done.output


def test_the_command_names_cause_place_and_remedy(doctor, portal):
    doctor.change_wecom(trusted_ip=False)
    done = run(portal, WECOM)
    assert done.exit_code == 1
    assert "✗ problem" in done.output and "60020" in done.output and "203.0.113.7" in done.output
    assert "企业可信IP" in done.output and "Trusted IP" in done.output and "about a minute" in done.output


def test_skipped_checks_are_one_line_an_element(doctor):
    doctor.elements.feishu(appSecret="old")
    doctor.elements.wecom(corpSecret="old")
    output = run(doctor.make_portal()).output
    lines = [line for line in output.splitlines() if "Not checked" in line]
    assert len(lines) == 2
    assert "Not checked until that is solved: 6 (This server's address, Permission to read contacts," in lines[0]


def test_an_unknown_element_is_an_error_that_lists_all(doctor, portal):
    done = run(portal, "Nobody")
    assert done.exit_code == 2
    assert "Nobody" in done.output and FEISHU in done.output


def test_a_broken_element_is_a_problem_that_names_file_and_key(doctor):
    doctor.elements.feishu(appId="")
    done = run(doctor.make_portal(), FEISHU)
    assert done.exit_code == 1
    assert f"auths/loginTypes/{FEISHU}/{FEISHU}.json: appId" in done.output


def test_without_a_database_the_elements_wait(doctor, tmp_path):
    done = run(doctor.make_portal(PORTAL_DATABASE_URL=f"sqlite:///{tmp_path}/new.db"))
    assert done.exit_code == 1
    assert done.output.count("✗ problem") == 1 and "flask db upgrade" in done.output
    assert "own code" not in done.output
