"""Mistakes in a sweep file: each is refused with its line, in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from sweep_files import SMALL, changed, read, refuse


class TestRefusals:
    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            # what does not exist, or not there
            (
                "width",
                "widht",
                "6: unknown [network] key 'widht'; did you mean 'width'? known: width, scale, init, …",
            ),
            ("width", "steps", "6: 'steps' belongs in [method]"),
            (
                "width = 5",
                "width = 5\nseeds = 3",
                "7: 'seeds' belongs at the top of the file, above the first section",
            ),
            ("seeds", "step_size", "2: 'step_size' belongs in [method]"),
            (
                "seeds = 2",
                "sed = 2",
                "2: unknown key or section 'sed'; did you mean 'seeds'? known: title, seeds, problem, …, "
                "measure, matrix, solver, cluster",
            ),
            ("[network]", "[netwrok]", "5: unknown key or section 'netwrok'; did you mean 'network'? …"),
            ("[network]\nwidth = 5\n", "", "1: the file must have a section [network]"),
            ("width = 5", "", "5: [network] must give 'width'"),
            ("step_size = 0.1", "", "7: [method] must give 'step_size'"),
            (
                'truth = "tent"',
                "noise = 1",
                "3: [problem] must give 'truth', the name of a curve, or 'data', the file of a table",
            ),
            ('truth = "tent"', 'y = "a"', "4: 'y' describes a table and needs 'data', its file"),
            ("seeds = 2", "seeds = 2\nnetwork.width = 5.5\n", "…: not TOML: cannot …"),
            # of another type
            ('"small"', "5", "1: title must be text, got 5"),
            ("width = 5", 'width = "5"', "6: width must be a whole number, got '5'"),
            ("width = 5", "width = 5.0", "6: width must be a whole number, got 5.0"),
            ("width = 5", "width = [5, [6]]", "6: width must be a whole number, got [6]"),
            (
                "steps = 10",
                "steps = 1979-05-27",
                "9: steps must be a whole number, got datetime.date(1979, 5, 27)",
            ),
            ("0.1", "true", "8: step_size must be a number, got true"),
            ("steps = 10", "steps = 10\nnesterov = 1", "10: nesterov must be true or false, got 1"),
            ("width = 5", f"width = {10**40}", "6: width must be a whole number of 64 bits, got one of 133"),
            ("0.1", f"{10**400}", "8: step_size must be a number that a float holds, got one of 1329 bits"),
            ("[network]\nwidth = 5", "[[network]]", "5: [network] must give 'width'"),
            ("seeds = 2", "seeds = 2\nmeasure = 5", "3: measure must be a section, [measure], got 5"),
            ("seeds = 2", "seeds = 2\nmeasure = [{}]", "3: measure must be a section, [measure], got [{}]"),
            ("[network]\nwidth = 5", "", "1: the file must have a section [network]"),
            ("seeds = 2\n[problem]", "network = []\n[problem]", "…"),
            # out of range, in the words of the constructors
            ("width = 5", "width = -1", "6: width must lie between 1 and 10000000, got -1"),
            ("width = 5", "width = 5\nscale = 0", "7: scale must be finite and positive, got 0.0"),
            (
                "width = 5",
                "width = 5\ninit = 'hi'",
                "7: init must be one of 'torch', 'he', 'mean_field', got 'hi'",
            ),
            ('"tent"', '"tnt"', "4: unknown curve 'tnt'; did you mean 'tent'? …"),
            ('"tent"', '"tent"\nn = 0', "5: n must lie between 1 and 10000000, got 0"),
            ('"tent"', '"tent"\nn = 1_000_000_000', "5: n must lie between 1 and 10000000, got 1000000000"),
            ('"tent"', '"tent"\nnoise = nan', "5: noise must be finite and not negative, got nan"),
            ('"tent"', '"tent"\nhalf_width = -1', "5: half_width must be finite and positive, got -1.0"),
            (
                '"tent"',
                '"tent"\ndesign = "grid"',
                "5: design must be 'jittered', 'uniform' or 'equispaced', got 'grid'",
            ),
            (
                '"tent"',
                '"tent"\nloss = "logistic"',
                "5: loss must be 'square', got 'logistic'; labels of two classes around a curve are kind = "
                '"bernoulli"',
            ),
            (
                '"tent"',
                '"tent"\namplitude = 2',
                '5: \'amplitude\' does not go with kind = "curve"; it needs kind = "bernoulli", "ball", …',
            ),
            ('"tent"', '"tent"\nkind = "bernouli"', "5: unknown kind of problem 'bernouli'; did you mean …"),
            ('"tent"', '"tent"\nkind = ["curve", "bernoulli"]', "5: kind must be text, got ['curve', …"),
            ('truth = "tent"', 'kind = "bernoulli"', "3: [problem] must give 'truth', the name of a curve"),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nnoise = 1',
                '6: \'noise\' does not go with kind = "bernoulli"; it needs kind = "curve", "ball", …',
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nx = "a"',
                "6: 'x' describes a table and needs 'data', its file",
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nloss = "square"',
                "6: loss must be 'logistic' for labels of two classes, got 'square'; numbers around a curve "
                'are kind = "curve"',
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nflip_rate = [0, 0.5]',
                "6: flip_rate must lie in [0, 0.5), got 0.5",
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\namplitude = -1',
                "6: amplitude must be finite and not negative, got -1.0",
            ),
            ("width = 5", 'width = 5\nkind = "a"', "7: unknown [network] key 'kind'; …"),
            ("0.1", "-0.1", "8: step_size must be finite and positive, got -0.1"),
            ("0.1", "inf", "8: step_size must be finite and positive, got inf"),
            ("0.1", "[\n0.1,\n\n0.0]", "11: step_size must be finite and positive, got 0.0"),
            ("steps = 10", "steps = 0", "9: steps must be at least 1, got 0"),
            ("steps = 10", "steps = 10\nmomentum = [0.5, 1]", "10: momentum must lie in [0, 1), got 1.0"),
            (
                "steps = 10",
                "steps = 10\nweight_decay = -1",
                "10: weight_decay must be finite and not negative, got -1.0",
            ),
            ("steps = 10", "steps = 10\nwarmup_steps = -1", "10: warmup_steps must not be negative, got -1"),
            (
                "steps = 10",
                "steps = 10\nmomentum = [0.5, 0]\nnesterov = [false, true]",
                "11: nesterov must come with momentum > 0, got momentum 0; …",
            ),
            ("seeds = 2", "measure.records = 0", "2: records must lie between 1 and 10000000, got 0"),
            (
                "seeds = 2",
                "measure.curve_points = -1",
                "2: curve_points must lie between 0 and 10000000, got -1",
            ),
            ("seeds = 2", "measure.records = [1, 2]", "2: records must be a whole number, got [1, 2]"),
            (
                "seeds = 2",
                "measure.sharpnes = true",
                "2: unknown [measure] key 'sharpnes'; did you mean 'sharpness'? …",
            ),
            # grids
            ("0.1", "[]", "8: step_size must list at least one value, got []"),
            ("0.1", "[0.1, 1, 1.0]", "8: step_size must list different values, got 1.0 twice"),
            (
                "0.1",
                "{ logspce = [1, 2, 3] }",
                "8: unknown spread of step_size 'logspce'; did you mean 'logspace'? …",
            ),
            ("0.1", "{}", "8: step_size must have one of logspace and linspace, got neither"),
            (
                "0.1",
                "{ logspace = [1, 2, 3], linspace = [1, 2, 3] }",
                "8: step_size must have one of logspace and linspace, got both",
            ),
            ("0.1", "{ logspace = 3 }", "8: logspace of step_size must be [low, high, count], got 3"),
            (
                "0.1",
                "{ logspace = [1, 2] }",
                "8: logspace of step_size must be [low, high, count], got [1, 2]",
            ),
            ("0.1", "{ logspace = [0, 2, 3] }", "8: low of logspace of step_size must be positive, got 0"),
            (
                "0.1",
                "{ linspace = [2, 1, 3] }",
                "8: linspace of step_size must have finite ends with low < high, …",
            ),
            (
                "0.1",
                "{ linspace = [1, inf, 3] }",
                "8: linspace of step_size must have finite ends with low < high, …",
            ),
            (
                "0.1",
                "{ linspace = [1, 'b', 3] }",
                "8: high of linspace of step_size must be a number, got 'b'",
            ),
            (
                "0.1",
                "{ linspace = [1, 2, 3.0] }",
                "8: count of linspace of step_size must be a whole number, got 3.0",
            ),
            (
                "0.1",
                "{ linspace = [1, 2, 1] }",
                "8: count of linspace of step_size must lie between 2 and 100000, got 1",
            ),
            ("0.1", "{ linspace = [-1, 2, 4] }", "8: step_size must be finite and positive, got -1.0"),
            ('"tent"', "{ linspace = [1, 2, 3] }", "4: truth must be text, got {'linspace': [1, 2, 3]}"),
            ("seeds = 2", "seeds = 0", "2: the number of seeds must lie between 1 and 1000000, got 0"),
            ("seeds = 2", "seeds = []", "2: seeds must list at least one value, got []"),
            ("seeds = 2", "seeds = [1,\n1]", "3: seeds must list different values, got 1 twice"),
            ("seeds = 2", "seeds = [1,\n-1]", "3: seeds must not be negative, got -1"),
            ("seeds = 2", "seeds = 'a'", "2: seeds must be a whole number, got 'a'"),
            (
                "seeds = 2",
                "seeds = { frst = 1 }",
                "2: unknown key of seeds 'frst'; did you mean 'first'? known: first, count",
            ),
            ("seeds = 2", "seeds = { first = 1 }", "2: seeds must give count, got {'first': 1}"),
            ("seeds = 2", "seeds = { first = -1, count = 1 }", "2: seeds must not be negative, got -1"),
            (
                "0.1",
                "{ linspace = [1, 2, 100_000] }\nmomentum = { linspace = [0, 0.5, 6] }",
                "8: a sweep must have at most 1000000 runs, got 1200000; thin out its lists or split it",
            ),
            # the cluster
            ("seeds = 2", "cluster = 5", "2: cluster must be one section, [cluster], got 5"),
            ("seeds = 2", "cluster.queu = 'a'", "2: unknown [cluster] key 'queu'; did you mean 'queue'? …"),
            ("seeds = 2", "cluster.queue = ' '", "2: queue must not be empty, got ' '"),
            ("seeds = 2", "cluster.cores = 0", "2: cores must be at least 1, got 0"),
            ("seeds = 2", "cluster.cores = '1'", "2: cores must be a whole number, got '1'"),
            ("seeds = 2", "cluster.memory = 'big'", "2: memory must be an amount such as \"4GB\", got 'big'"),
            (
                "seeds = 2",
                "cluster.walltime = '2h'",
                '2: walltime must be a time such as "02:00:00" or "1-12:00:00", got \'2h\'',
            ),
            ("seeds = 2", "cluster.prologue = 'a'", "2: prologue must be a list of lines of text, got 'a'"),
            # not TOML
            ("[network]", "[network", "5: not TOML: expected ']' at the end of a table declaration; …"),
            (
                '"tent"',
                "tent",
                "4: not TOML: invalid value; text stands in double quotes, numbers and true or false do not",
            ),
            ("width = 5", "width = 5\nwidth = 6", "…: not TOML: cannot overwrite a value; a key stands once"),
            (
                "[network]",
                "[problem]",
                "…: not TOML: cannot declare …; a section stands once; [[method]] may stand several times",
            ),
            (
                "width = 5",
                "width 5",
                "6: not TOML: expected '=' after a key in a key/value pair; each line is key = value",
            ),
            ("steps = 10", 'steps = """', "9: not TOML: unterminated string; …"),
            ("0.1", "[" * 5000, "1: not TOML that can be read: it is nested too deeply"),
            ("0.1", "9" * 5000, "8: not TOML that can be read: a number has thousands of digits"),
        ],
    )
    def test_one_sentence_with_the_line(self, old: str, new: str, sentence: str) -> None:
        refuse(changed(old, new), sentence)

    def test_a_file_that_is_not_utf_8(self) -> None:
        refuse(
            SMALL.encode().replace(b"tent", b"t\xe9nt"),
            "4: the file must be UTF-8 text, got byte 0xe9; save it as UTF-8",
        )
        refuse(SMALL.encode("utf-16"), "1: the file must be UTF-8 text, got UTF-16; save it as UTF-8")

    def test_no_array_is_made_for_a_grid_that_is_too_large(self) -> None:
        axis = "{ linspace = [0.1, 0.9, 100_000] }"
        text = changed("0.1", axis) + f"momentum = {axis}\nweight_decay = {axis}\n"
        refuse(text, "8: a sweep must have at most 1000000 runs, got 2000000000000000; …")

    @given(st.text(alphabet="[]{}=\"#\n.,a1 -'", max_size=40))
    def test_any_text_is_read_or_refused_with_its_line(self, text: str) -> None:
        with pytest.raises(InputError, match=r"^sweep.toml, line \d+: [^\n]+$"):
            read(text)


class TestMemory:
    """A run that would not fit is refused at the key that asks for the most, before it takes anything."""

    @pytest.mark.parametrize(
        ("old", "new", "line", "name"),
        [
            ('"tent"', '"tent"\nn = 10_000_000', 5, "n must fit in memory, got 10000000, which needs 3"),
            (
                "width = 5",
                "width = [5, 10_000_000]",
                6,
                "width must fit in memory, got 10000000, which needs 18",
            ),
            (
                "steps = 10",
                "steps = 10\n[measure]\ncurve_points = 10_000_000",
                11,
                "curve_points must fit in",
            ),
            ("steps = 10", "steps = 9_000_000\n[measure]\nrecords = 9_000_000", 11, "records must fit in"),
        ],
    )
    def test_a_run_that_does_not_fit(self, monkeypatch, old, new, line, name):
        monkeypatch.setattr("stepscape.memory.free_memory", lambda: 2e8)
        monkeypatch.setattr(
            "stepscape.sweeps.parts.curve", lambda *words: words[1] > 2 and pytest.fail("drawn")
        )
        refuse(changed(old, new), f"{line}: {name}… where 200 MB are free; give a smaller {name.split()[0]}")

    def test_what_is_not_recorded_needs_no_memory(self, monkeypatch):
        monkeypatch.setattr("stepscape.memory.free_memory", lambda: 2e8)
        read(changed("steps = 10", "steps = 10\n[measure]\nrecords = 9_000_000"))  # there are 10 steps
