# SPDX-License-Identifier: GPL-3.0-or-later
"""English sentences to be spoken by synthesisers: our own patterns and our own words.

Numbers are spelt out, so that the letters of a text are the letters that are heard.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

_WORDS: dict[str, str] = {
    "person": "teacher doctor neighbor pilot farmer judge singer baker nurse engineer child "
    "stranger captain lawyer painter driver mother father brother sister cousin customer guest "
    "soldier sailor student professor author plumber butcher shepherd goldsmith beekeeper mayor",
    "name": "Anna George Charlotte Victor Beatrice Thomas Joyce Edward Fiona Hugh Ursula Zachary "
    "Margaret Philip Ruth Vincent Abigail Boyd Chloe Dorothy Francis Gwen Howard Isaac Julia Keith",
    "thing": "bridge table window letter mirror bottle basket ladder engine piano blanket candle "
    "hammer ticket suitcase umbrella painting kettle shovel whistle compass carpet bicycle camera "
    "magazine telephone necklace jacket pillow violin treasure garage machine oyster feather "
    "puzzle thimble wheelbarrow cupboard bookshelf toothbrush television newspaper mouthpiece",
    "food": "bread cheese soup porridge apples mushrooms fish pepper butter honey coffee peaches "
    "biscuits pudding spinach garlic vinegar chocolate noodles oatmeal broth figs plums juice",
    "place": "harbor kitchen garden market station library valley village theater museum airport "
    "hospital orchard courtyard lighthouse workshop castle forest beach office basement mountain "
    "bakery church schoolhouse riverbank boathouse warehouse vineyard mill",
    "quality": "quiet heavy narrow golden broken ancient purple bitter clever foolish gentle huge "
    "jealous lively modern nervous ordinary polished rough shallow thick usual vague warm yellow "
    "awkward brave curious dusty earnest fragile gloomy humble icy joyful peculiar shiny smooth "
    "unusual enormous beige young cheap fresh blue mild wooden",
    "did": "carried repaired painted noticed measured borrowed followed watched dropped polished "
    "pushed remembered sold described moved opened weighed folded covered admired enjoyed chose "
    "brought fetched washed buried searched examined photographed wrapped",
    "do": "carry repair paint notice measure borrow follow watch drop polish push remember sell "
    "describe move open weigh fold cover admire enjoy choose bring fetch wash examine wrap view",
    "went": "walked hurried drove sailed wandered rushed climbed marched cycled limped rode crept "
    "strolled slipped jumped flew swam returned",
    "manner": "slowly|carefully|without a word|very early|by mistake|with both hands|in silence|"
    "rather badly|before dawn|after lunch|again and again|just in time|with pleasure|on purpose|"
    "as fast as I could",
    "when": "yesterday|this morning|last winter|on Thursday|in the evening|after the storm|"
    "before the meeting|in the month of July|at noon|long ago|a week later|during the voyage|"
    "when the bell rang|as usual|at half past four|two years ago|on the ninth of August",
    "number": "two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty thirty-one forty-two fifty-three "
    "sixty-four seventy-five eighty-six ninety-seven one hundred",
    "weather": "rain snow wind thunder fog sunshine frost hail clouds",
    "idea": "patience courage freedom memory kindness justice peace luck truth wisdom beauty "
    "health trouble power youth growth measure pleasure choice vision",
    "opener": "Well,|Of course,|However,|Honestly,|As far as I know,|You see,|In fact,|Oh,|"
    "To be fair,|Believe me,|On the other hand,|By the way,|Look,|Perhaps|Maybe|I think|I suppose",
}

_PATTERNS: tuple[str, ...] = (
    "The {quality} {person} {did} the {thing} {manner}.",
    "{name} {went} to the {place} {when}.",
    "{opener} the {thing} in the {place} was {quality} and {quality}.",
    "Did the {person} {do} the {quality} {thing} {when}?",
    "Where did {name} {do} the {thing}, and why?",
    "We need {food}, {food}, {food}, and a little {food}.",
    "There were {number} {quality} chairs and {number} lamps in the {place}.",
    "If the {weather} comes back, we will {do} the {thing} in the {place}.",
    "{opener} nobody {did} it, not even the {person}.",
    "Please {do} the {thing} before the {person} arrives.",
    '"Who {did} my {thing}?" asked the {quality} {person}.',
    "Is it true that {name} {did} {number} {quality} boxes of {food}?",
    "My {person} says that {idea} is worth more than {idea}.",
    "{idea} and {idea} go together, but {idea} does not.",
    "Stop! That {thing} is {quality}!",
    "The number is {number}, {number}, {number}, {number}.",
    "After the {weather}, the {place} smelled of {food} and {quality} wood.",
    "You should {do} both the {thing} and the {thing}, shouldn't you?",
    "What a {quality} {place} this is!",
    "{name} and {name} {went} past the {place}, where a {person} {did} the {thing}.",
    "I have never seen such a {quality} {thing}, {opener} have you?",
    "Every {person} in the {place} knows the story of the {quality} {thing}.",
    "No, not the {quality} one; the {quality} one.",
    "First {do} the {thing}, then {do} the {thing}, and then rest.",
    "They {went} {manner} through the {weather} towards the {place}.",
    "Could you {do} this {quality} {thing} for {number} days?",
    "Between the {place} and the {place} there are {number} miles of {quality} road.",
    "{when}, a {quality} {person} {did} {number} jars of {food}.",
    "The {person} asked for {food}; the {person} asked for {idea}.",
    "Beyond the {place}, {opener} you can hear the {weather} all night.",
    "Thank you, {name}, that was {quality} of you.",
    "I would rather {do} a {thing} than {do} the {food}.",
    "{name} laughed, shook her head, and {did} the {thing}.",
    "Why should the {person} {do} anything {when}?",
    "{opener} we {went} {manner}, and the {person} {did} us with {idea}.",
)

_NATURAL: tuple[str, ...] = (
    "Good morning, everyone, and thank you for coming on such short notice.",
    "I am not sure what happened, but I know that nobody is to blame.",
    "Give me a moment; I will look it up and call you back.",
    "When I was young, we used to play by the river until it was too dark to see.",
    "The whole point of a plan is that you can change it.",
    "Would you like to go by boat, or shall we take the road over the hills?",
    "She put both cups on the table, sat down, and told me the news.",
    "How much does it cost, and how long will it take?",
    "Oh, that's wonderful! I'm so happy for both of you.",
    "It isn't that I don't believe you; I just want to see it for myself.",
    "Five of them stayed, four of them left, and one could not make up her mind.",
    "We measured the voltage twice, and it was above the usual range.",
    "Push the button, pull the lever, and pray.",
    "My father's watch has been in this drawer for thirty years.",
    "You have to admit, the view from up here is worth the climb.",
    "The weather will be cloudy with some sunshine in the afternoon.",
    "Before we begin, may I ask you all to switch off your phones?",
    "He opened his mouth to speak, thought better of it, and smiled.",
    "Bob's mum puts jam on pumpkin pie, and Pam's pup begs for more.",
    "We'll leave on Wednesday, if the bridge is open by then.",
    "Few people knew what the old judge thought about the matter.",
    "Peace is not the absence of noise; it is the presence of care.",
    "The vision was clear: a warm house, a full table, and a door that stays open.",
    "Why do you always choose the window seat?",
    "Yes. No. Maybe. Ask me again tomorrow.",
    "I bought apples, bananas, plums, peppers, and a big bag of flour.",
    "That's the third time this week that the machine has stopped.",
    "Wait, wait, wait. Let me get this straight.",
    "The children whispered, giggled, and ran off through the hedge.",
    "In my opinion, the first answer was better than the second.",
    "Nothing moved except the smoke above the chimneys.",
    "Do you really think that he wrote it himself?",
    "We've come a long way, and we have a long way to go.",
    "Put the heavy books below and the light ones above.",
    "Our voices echoed off the walls of the empty theater.",
    "Please remember to bring your own mug, your own spoon, and your own chair.",
    "The ship moved off, and the people on the wharf waved their hats.",
    "A good question, asked at the right time, can save a year of work.",
    "What would you do with an extra hour every day?",
    "I said fifteen, not fifty.",
    "The mayor thanked the firemen, the nurses, and above all the neighbors.",
    "Somewhere behind the house a dog barked, and then it was quiet again.",
    "Look at the moon! Isn't it beautiful?",
    "Mix the butter with the sugar, beat in the eggs, and fold in the flour.",
    "His thumb was thick with paint, both blue and beige.",
    "We began with nothing but a boat, a map, and a vague idea.",
    "Everybody knows the rule, but hardly anybody follows it.",
    "Fresh fish is sold here from half past five.",
    "If you can hear me at the back, please raise your hand.",
    "So far so good; now comes the difficult part.",
)

VAL_SHARE = 0.06
"""Share of the sentences that training never hears."""


def spoken_letters(text: str) -> str:
    """Text as the 28 written symbols of the network: a to z, apostrophe, single spaces."""
    lowered = text.lower().replace("\u2019", "'").replace("-", " ")
    kept = re.sub(r"[^a-z' ]+", " ", lowered)
    kept = re.sub(r"(?<![a-z])'+|'+(?![a-z])", " ", kept)
    return " ".join(kept.split())


def is_held_out(sentence: str) -> bool:
    """Whether a sentence belongs to validation: decided by its letters alone, for ever."""
    digest = hashlib.sha256(spoken_letters(sentence).encode()).digest()
    return digest[0] < 256 * VAL_SHARE


class SentenceSource:
    """An endless supply of sentences, repeatable by its generator."""

    def __init__(self, rng: np.random.Generator, held_out: bool) -> None:
        self._rng = rng
        self._held_out = held_out
        self._words = {
            kind: words.split("|" if "|" in words else " ") for kind, words in _WORDS.items()
        }

    def sentence(self) -> str:
        """The next sentence of this side of the split."""
        while True:
            if self._rng.random() < 0.2:
                text = _NATURAL[self._rng.integers(len(_NATURAL))]
            else:
                text = self._fill(_PATTERNS[self._rng.integers(len(_PATTERNS))])
            if is_held_out(text) == self._held_out:
                return text

    def _fill(self, pattern: str) -> str:
        def word(match: re.Match[str]) -> str:
            choices = self._words[match.group(1)]
            return choices[self._rng.integers(len(choices))]

        text = re.sub(r"\{(\w+)\}", word, pattern)
        text = re.sub(r"\ba (?=[aeiou])", "an ", text)
        return text[0].upper() + text[1:]
