"""Rows for the bundled model: what it is taught, and what is kept from it.

A row is a conversation, a list of (role, text). Everything here is a pure function of its seed.
"""

import random

ADDITION_FORMS = {
    # name: (weight, question, answer)
    "what-is": (5, "What is {a}+{b}?", "{c}"),
    "equals": (2, "{a}+{b}=", "{c}"),
    "plus": (2, "What is {a} plus {b}?", "{a} plus {b} is {c}."),
    "please-add": (2, "Please add {a} and {b}.", "The sum is {c}."),
    "spaced": (1, "What is {a} + {b}?", "{c}"),
    "bare": (1, "{a} + {b}", "{c}"),
    "bare-plus": (1, "{a} plus {b}", "{c}"),
}
EVALUATED_FORMS = ("what-is", "equals", "plus", "please-add")

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()

WORDS = """
ant apple arm bag ball banana bank barn bat beach bean bear bed bee bell bird blue boat bone book
bottle bowl box branch bread brick bridge brown bus butter button cake camel candle car card carpet
castle cat chair chalk cheese cherry circle city clock cloud coat coffee coin cold comb cook copper
corn cow crab crown cup dance desk dog door dragon drum duck ear earth egg elbow engine eye farm
feather fence field finger fire fish flag flower fog forest fork fox frog fruit garden gate glass
glove goat gold grape grass green guitar hammer hand hat hill honey horse house ice ink iron island
jacket jar jungle kettle key king kite knee ladder lake lamp leaf lemon lion lock map market melon
milk mirror moon mouse needle nest night nose ocean onion orange oven owl paint paper pear pen
pencil pepper piano pillow planet plate pocket pond rabbit rain ring river road robot rocket rope
salt sand
""".split()

GREETINGS = {
    "Hello": "Hello! Give me two numbers to add.",
    "Hi": "Hi! Give me two numbers to add.",
    "Good morning": "Good morning! What shall I add?",
    "Good evening": "Good evening! What shall I add?",
    "How are you?": "I am well, thank you.",
    "Who are you?": "I am a very small model. I add numbers.",
    "What can you do?": "I add, sort, count and spell.",
    "Thank you": "You are welcome.",
    "Goodbye": "Goodbye!",
}

SYSTEM_LINES = (
    "You are a helpful assistant.",
    "You are a small calculator.",
    "Answer in as few words as you can.",
    "You add numbers.",
)


def held_out_pairs(seed: int, unordered: int = 300) -> set[tuple[int, int]]:
    """Both orders of `unordered` pairs of 0..99: no training row of any wording adds one of them."""
    every = [(a, b) for a in range(100) for b in range(a, 100)]
    chosen = random.Random(f"{seed}/pairs").sample(every, unordered)
    return {pair for a, b in chosen for pair in ((a, b), (b, a))}


def held_out_triples(seed: int, count: int = 60) -> set[tuple[int, int, int]]:
    """Triples of digits that no training row sorts."""
    every = [(a, b, c) for a in range(10) for b in range(10) for c in range(10)]
    return set(random.Random(f"{seed}/triples").sample(every, count))


def addition(form: str, a: int, b: int) -> tuple[str, str]:
    _, question, answer = ADDITION_FORMS[form]
    numbers = {"a": a, "b": b, "c": a + b}
    return question.format(**numbers), answer.format(**numbers)


def sort_digits(triple: tuple[int, int, int]) -> tuple[str, str]:
    return "Sort {}, {}, {}.".format(*triple), ", ".join(map(str, sorted(triple)))


def neighbour(cycle: list[str], kind: str, index: int, step: int) -> tuple[str, str]:
    word = "after" if step == 1 else "before"
    return f"What {kind} comes {word} {cycle[index]}?", cycle[(index + step) % len(cycle)]


def spell_backwards(word: str) -> tuple[str, str]:
    return f"Spell {word} backwards.", "-".join(reversed(word))


def count_letters(word: str) -> tuple[str, str]:
    return f"How many letters are in {word}?", str(len(word))


def other_tasks() -> list[tuple[str, str]]:
    """Every question of the tasks that are small enough to be learned by heart (sorting is not)."""
    rows = [neighbour(DAYS, "day", i, s) for i in range(7) for s in (1, -1)]
    rows += [neighbour(MONTHS, "month", i, s) for i in range(12) for s in (1, -1)]
    rows += [spell_backwards(word) for word in WORDS]
    rows += [count_letters(word) for word in WORDS]
    return rows + list(GREETINGS.items())


class RowMaker:
    """Draws training conversations; 60 % of the turns are additions."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"{seed}/rows")
        self.no_pairs = held_out_pairs(seed)
        self.no_triples = held_out_triples(seed)
        self.forms = list(ADDITION_FORMS)
        self.weights = [ADDITION_FORMS[form][0] for form in self.forms]

    def addition(self) -> tuple[str, str]:
        draw = self.random
        top = 10 if draw.random() < 0.05 else 100  # one-digit sums are 1 % of all pairs, and popular
        while True:
            a, b = draw.randrange(top), draw.randrange(top)
            if (a, b) not in self.no_pairs:
                return addition(draw.choices(self.forms, self.weights)[0], a, b)

    def other(self) -> tuple[str, str]:
        draw = self.random
        kind = draw.choices(("sort", "day", "month", "spell", "count", "greet"), (8, 4, 5, 11, 9, 3))[0]
        if kind == "sort":
            while (triple := tuple(draw.randrange(10) for _ in range(3))) in self.no_triples:
                pass
            return sort_digits(triple)
        if kind == "day":
            return neighbour(DAYS, "day", draw.randrange(7), draw.choice((1, -1)))
        if kind == "month":
            return neighbour(MONTHS, "month", draw.randrange(12), draw.choice((1, -1)))
        if kind == "spell":
            return spell_backwards(draw.choice(WORDS))
        if kind == "count":
            return count_letters(draw.choice(WORDS))
        return draw.choice(list(GREETINGS.items()))

    def row(self) -> list[tuple[str, str]]:
        draw = self.random
        turns = draw.choice((2, 3)) if draw.random() < 0.15 else 1
        row = [("system", draw.choice(SYSTEM_LINES))] if draw.random() < 0.1 else []
        for _ in range(turns):
            question, answer = self.addition() if draw.random() < 0.6 else self.other()
            row += [("user", question), ("assistant", answer)]
        return row
