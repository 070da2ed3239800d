"""Of two texts, the one that stands for 1: denials, answers and grades in many languages, and guesses."""

from __future__ import annotations

import tomllib
import unicodedata
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepscape.problems.user.two_classes import Choice, answered, answers, choose

WORDS = tomllib.loads((files("stepscape") / "data" / "words.toml").read_text(encoding="utf-8"))

# What stands for 0 | what stands for 1.
PAIRS = """
Not hospitalized | Hospitalized
not detected | detected
non-exposed | exposed
noncompliant | compliant
untreated | treated
uninfected | infected
NotHospitalized | Hospitalized
not_hospitalized | hospitalized
un-vaccinated | Vaccinated
un_employed | employed
asymptomatic | symptomatic
atypical | typical
afebrile | febrile
inactive | active
illegal | legal
irregular | regular
impossible | possible
incomplete | complete
dissatisfied | satisfied
malnourished | nourished
symptomless | symptoms
disease-free | diseased
disease free | disease
free of disease | disease
negative for HIV | HIV
absence of pain | pain
no evidence of tumor | tumor
Non-responder | Complete responder
no-pain | mild-pain
unvaccinated | fully vaccinated
symptom-free | mild symptom
içmiyor | içiyor
gelmedi | geldi
ölmedi | öldü
seronegativ | seropositiv
LIVE | DIE
usual care | intervention
Normal | Tumor
friskt | sjukt
yo'q | ha
did not survive | survived
was not admitted | was admitted
doesn't smoke | smokes
isn't sick | is sick
never smoked | smoked
w/o diabetes | w/ diabetes
without diabetes | with diabetes
without diabetes | diabetes
non-diabetic | diabetes
nonsmoker | smoking
no recurrence-events | recurrence-events
no-relapse | Relapsed
No disease | Diseased
no pain | mild pain
not hospitalized | inpatient
HIV negative | HIV positive
HIVNegative | HIVPositive
tested_negative | tested_positive
Status: no | Status: yes
lowrisk | highrisk
low risk | high risk
ER- | ER+
HIV (-) | HIV (+)
HIV | HIV+
-ve | +ve
✗ | ✓
<=50K | >50K
under 50 | over 50
normal | abnormal
benign | malignant
control | case
placebo | drug
survived | died
alive | dead
ham | spam
retained | churned
paid | default
loss | win
off | on
fail | pass
before | after
pre-op | post-op
never | ever
never smoker | current smoker
wild-type | mutant
censored | failure
nicht krank | krank
kein Rückfall | Rückfall
ohne Befund | Befund
ungeimpft | geimpft
unauffällig | auffällig
beschwerdefrei | Beschwerden
arbeitslos | Arbeit
HIV-negativ | HIV-positiv
pas malade | malade
pas d'infection | infection
sans diabète | diabète
non vacciné | vacciné
no vacunado | vacunado
sin complicaciones | con complicaciones
asintomático | sintomático
non fumatore | fumatore
não fumante | fumante
sem diabetes | com diabetes
niet gevaccineerd | gevaccineerd
ongevaccineerd | gevaccineerd
inte sjuk | sjuk
ovaccinerad | vaccinerad
ikke syg | syg
uvaccinert | vaccinert
nie zaszczepiony | zaszczepiony
niezaszczepiony | zaszczepiony
neočkovaný | očkovaný
не привит | привит
непривитый | привитый
без осложнений | с осложнениями
бессимптомный | симптомный
не хворий | хворий
nem dohányzik | dohányzik
ei sairas | sairas
rokottamaton | rokotettu
nu fumează | fumează
όχι νοσηλεία | νοσηλεία
μη καπνιστής | καπνιστής
aşılı değil | aşılı
aşısız | aşılı
aşılanmamış | aşılanmış
לא מחוסן | מחוסן
غير مدخن | مدخن
未感染 | 感染
没有感染 | 感染
患者未感染 | 患者感染
无症状 | 有症状
HIV阴性 | HIV阳性
非喫煙者 | 喫煙者
症状なし | 症状あり
入院なし | 入院
入院していない | 入院している
未接種 | 接種済み
미감염 | 감염
비흡연자 | 흡연자
धूम्रपान नहीं | धूम्रपान
ไม่ติดเชื้อ | ติดเชื้อ
tidak merokok | merokok
không hút thuốc | hút thuốc
nein | ja
non | oui
no | sí
no | si
нет | да
nie | tak
ne | ano
nem | igen
hayır | evet
ei | kyllä
não | sim
όχι | ναι
否 | 是
无 | 有
いいえ | はい
아니오 | 예
नहीं | हाँ
لا | نعم
לא | כן
faux | vrai
falsch | wahr
falso | vero
falso | verdadero
F | T
N | Y
N | J
N | S
N | O
""".strip().splitlines()
CASES = [tuple(line.split(" | ")) for line in PAIRS]
_PARTICIPLES = """
accepted adjusted admitted affected aligned amended answered anticipated approved armed assigned authorized
balanced blocked burned certified changed charged checked claimed classified cleaned colored compensated
completed confirmed connected controlled convicted corrected covered damaged defined delayed detected
determined developed diagnosed disclosed documented educated elected employed encrypted enrolled equipped
examined expected exposed filtered finished followed funded guarded harmed healed heated hospitalized
identified immunized impaired improved infected informed injured inspected insured invited labeled licensed
limited linked listed loaded managed married matched measured mixed motivated noticed observed occupied
opposed ordered paid planned protected published qualified reached recorded registered related reported
required resolved screened selected settled shared signed skilled solved sorted stained sterilized tagged
tested trained transfused treated vaccinated verified wanted washed weighted wounded
"""
PARTICIPLES = _PARTICIPLES.split()
Rewriting = st.sampled_from(
    [
        str,
        str.upper,
        str.title,
        str.swapcase,
        lambda text: f"  {text} ",
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: "".join(c.upper() if i % 2 else c for i, c in enumerate(text)),
    ]
)


@pytest.mark.parametrize(("no", "yes"), CASES)
def test_what_denies_stands_for_0(no: str, yes: str) -> None:
    assert choose(no, yes) == choose(yes, no) == Choice(no, yes, known=True)


@given(st.sampled_from(CASES), Rewriting, Rewriting)
@example(("aşısız", "aşılı"), str.upper, str)
def test_neither_case_nor_accents_nor_order_decide(pair, first, second) -> None:
    no, yes = first(pair[0]), second(pair[1])
    assert choose(no, yes) == choose(yes, no) == Choice(no, yes, known=True)


@given(
    st.sampled_from(PARTICIPLES),
    st.sampled_from(["not {}", "non-{}", "Non{}", "un{}", "not_{}", "NOT {}", "no {}", "never {}"]),
    st.sampled_from(["{}", "patient {}", "{} (week 3)"]),
)
def test_a_denied_participle_stands_for_0(word: str, denial: str, context: str) -> None:
    no, yes = context.format(denial.format(word)), context.format(word)
    assert choose(no, yes) == choose(yes, no) == Choice(no, yes, known=True)


@given(st.text(max_size=12), st.text(max_size=12))
@example("not not", "not")
@example("no", "nono")
@example("1" * 5000, "a")
@example("²", "१")
@example("", "no")
def test_the_answer_is_one_whatever_the_texts(one: str, other: str) -> None:
    chosen = choose(one, other)
    assert chosen == choose(other, one)
    assert sorted([chosen.no, chosen.yes]) == sorted([one, other])


def _entries(text: str) -> list[str]:
    return [entry for entry in map(str.strip, text.split(",")) if entry]


@pytest.mark.parametrize("language", WORDS["languages"])
def test_every_word_of_the_vocabulary_tells_what_it_says(language: str) -> None:
    words = WORDS["languages"][language]
    for no, yes in (entry.split("/") for entry in _entries(words.get("pairs", ""))):
        assert choose(no, yes) == Choice(no, yes, known=True)
    for key, place in (("no", 0), ("yes", 1)):
        for entry in _entries(words.get(key, "")):
            text = entry.replace("*", "")
            assert choose(text, "qqq")[place] == choose("qqq", text)[place] == text
            assert answers(text, yes=bool(place))
            assert not answers(text, yes=not place)
    for word in _entries(words.get("words", "")):
        assert choose(f"{word} qqqq", "qqqq").yes == choose("qqqq", f"qqqq {word}").yes == "qqqq"
    for affix in _entries(words.get("before", "")):
        assert choose(f"{affix}qqqqqq", "qqqqqq").yes == "qqqqqq"
    for affix in _entries(words.get("after", "")):
        assert choose(f"qqqqqq{affix}", "qqqqqq").yes == "qqqqqq"


@pytest.mark.parametrize(
    ("no", "yes"),
    [
        ("F", "M"),  # the alphabet
        ("drug A", "drug B"),
        ("group 9", "group 10"),  # by value
        ("b", "C"),  # and not the order of codes
        ("die", "under"),  # a word that only looks denied
        ("in-hospital", "out-hospital"),
        ("live", "relive"),
        ("Émile", "Zoé"),
        ("cover picture", "discover"),  # not the last word
    ],
)
def test_where_no_rule_tells_the_alphabet_is_a_guess(no: str, yes: str) -> None:
    assert choose(no, yes) == choose(yes, no) == Choice(no, yes, known=False)


def test_grades_are_no_answers() -> None:
    assert answered("yes", "no")
    assert answered("untreated", "treated")
    assert answered("sick", "Bob")
    assert not answered("mild", "severe")
    assert not answered("low", "high")
