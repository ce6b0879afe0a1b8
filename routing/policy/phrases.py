"""How attempts to take over an assistant are worded: classes of phrasing, each with a weight.

Every pattern is RE2, so a hostile text cannot make it slow. They are matched against lower-case text without
accents and disguises (`routing.policy.folding`). Weights: near 0.95 where ordinary writing has no such
phrase, about 0.6 where few texts but those for an assistant have it, lower where it may be chance. Inside a
source passage nothing should address the assistant at all, so some weigh more there.

The classes follow Perez and Ribeiro 2022 (goal hijacking, prompt leaking), Greshake and others 2023
(indirect injection) and Yi and others 2023 (tasks hidden in passages). The wording is this project's own.
"""

from dataclasses import dataclass

import re2

from routing.policy.folding import blurred


@dataclass(frozen=True, slots=True)
class Phrasing:
    """`kind`: of the sign it makes. `name`: what it is an example of, for people."""

    name: str
    weight: float
    pattern: str
    in_context: float | None = None
    kind: str = "injection"


_GAP = r"(?:\W+\w+){0,4}?\W+"
_EARLIER = (
    r"(?:previous|previously|prior|above|earlier|preceding|foregoing|former|existing|original|"
    r"initial|system|all|any|every|your|everything)"
)
_RULES = (
    r"(?:instruct\w+|prompts?|rules?|guidelines?|directions?|directives?|commands?|orders|"
    r"constraints?|restrictions?|polic(?:y|ies)|programming|guardrails|safeguards|filters|"
    r"training)"
)
_DROP = (
    r"(?:ignore|ignoring|disregard|disregarding|forget|override|overrule|bypass|neglect|skip|"
    r"drop|discard|stop following|do(?: no|n')t (?:follow|obey)|pay no attention to)"
)
_SECRET = (
    r"(?:(?:system|hidden|secret|initial|original|internal|confidential|"
    r"developer)\W+(?:prompt|instruct\w+|message|rules?|guidelines?|polic(?:y|ies))|"
    r"your (?:prompt|instructions|guidelines|configuration))"
)
# What an assistant writes, as seen by someone who steers it.
_WORK = (
    r"(?:responses?|repl(?:y|ies)|answers?|output|message|explanation|elucidation|completion|"
    r"summary|translation|text)"
)
_CODE_WORK = (
    r"(?:code(?:base)?|program|script|implementation|algorithm|solution|software|application|"
    r"function|logic|project)"
)
_PUT = (
    r"(?:includ|add|append|insert|incorporat|integrat|embed|inject|plac|put|mention|introduc|"
    r"weav|blend|attach|prepend|merg|feature|featur|highlight|interject|slip|drop|infus|"
    r"augment|enhanc|enrich|supplement|modif|adjust|alter|adapt|tweak|expand|extend|finish|"
    r"conclud|end|start|begin|open|clos)\w*"
)
_SHAPE = (
    r"(?:(?:writ|encod|encrypt|decod|format|provid|deliver|giv|render|express|present|"
    r"transform|convert|translat|rewrit|replac|substitut|revers|revert|flip|mirror|scrambl|"
    r"shuffl|shift|rotat|spell|misspell|anagram|group|combin|remov|eliminat|omit|employ|craft|"
    r"creat|compos|construct|produc|formulat|structur|state|display|show|represent|return|"
    r"output|rephras|limit|restrict|keep|mak|swap|chang|switch|distort|jumbl|mix|alternat|"
    r"capitali[sz]|chunk|merg|condens|obfuscat|mask|hid|turn|cipher|encipher|communicat|"
    r"convey|phras|suggest|recommend|promot|advertis|endors|direct|urg|encourag|persuad|invit|"
    r"point|refer|link|tell|ask|hint|teas|allud|spread|claim|imply)\w*|us(?:e|ing))"
)
_PIECE = r"(?:code\W+)?(?:snippet|excerpt|block|section|segment|fragment|piece of code|script|code)s?"
_WHICH = r"(?:following|below|subsequent|next|attached|provided|given)"
_MODEL = (
    r"(?:ai|a\.i\.|assistants?|chat\W?bots?|language models?|llms?|gpt\w*|chatgpt|claude|"
    r"gemini|copilot|model|agents?|bot)"
)

PHRASINGS: tuple[Phrasing, ...] = (
    Phrasing("tells to drop earlier instructions", 0.97, rf"\b{_DROP}{_GAP}?(?:\W*{_EARLIER}){_GAP}?\W*{_RULES}\b"),
    Phrasing(
        "tells to drop what came before",
        0.9,
        rf"\b{_DROP}\W+(?:\w+\W+){{0,2}}(?:everything|anything|all|"
        rf"what)\W+(?:\w+\W+){{0,3}}(?:above|before|earlier|prior|previous|said|told)\b",
    ),
    Phrasing(
        "brings new instructions",
        0.9,
        r"\b(?:new|updated|real|actual|true|revised|special)\W+(?:system\W+)?(?:instruct\w+|task|"
        r"orders|directive|objective|prompt)\W*(?::|\bis\b|\bare\b)",
    ),
    Phrasing(
        "asks for hidden instructions",
        0.95,
        rf"\b(?:reveal|print|show|repeat|output|display|leak|disclose|recite|expose|dump|share|"
        rf"return|tell|give|write|copy|what (?:is|are|was|were))\b{_GAP}?\W*{_SECRET}\b",
    ),
    Phrasing(
        "gives the assistant another self",
        0.85,
        r"\b(?:you are now|from now on,? you|you will now (?:act|be|play)|"
        r"you must (?:now )?(?:act|pretend|behave)|pretend (?:to be|that you|you are|you're)|"
        r"you are no longer|you have no (?:rules|restrictions|limits)|simulate being)\b",
    ),
    Phrasing(
        "gives the assistant a part",
        0.35,
        r"\b(?:act|behave|respond|answer|reply|speak|roleplay|role-play) as (?:if|an?|the|"
        r"though)\b",
        in_context=0.7,
    ),
    Phrasing(
        "unlocks a forbidden mode",
        0.95,
        r"\b(?:jailbr(?:eak|oken)\w*|do anything now|developer mode|dev mode|god mode|"
        r"unrestricted mode|debug mode|sudo mode|admin(?:istrator)? mode|"
        r"without (?:any )?(?:restrictions|limitations|censorship|filters|guardrails)|"
        r"no (?:restrictions|limitations|filters|guardrails) apply)\b",
    ),
    Phrasing(
        "imitates the markup of a conversation",
        0.97,
        r"<\|?(?:im_start|im_end|endoftext|system|user|assistant|eot_id|start_header_id|"
        r"begin_of_text)\|?>|\[/?inst\]|<</?sys>>|</s>\s*<s>|<\/?(?:system|assistant|"
        r"instructions?|prompt|context|document)>",
    ),
    Phrasing(
        "starts a turn of the system or assistant",
        0.7,
        r"(?m)^\W{0,4}(?:system|assistant|developer)\W{0,4}(?:message|prompt|note|instructions?|"
        r"override)?\s*[:>\]]",
        in_context=0.5,
    ),
    Phrasing(
        "heads a section of instructions",
        0.75,
        r"(?m)^\s*(?:#{1,6}|={2,}|-{3,}|\*{2,})\s*(?:new |system |hidden |updated |"
        r"real )?(?:instructions?|system|prompt|task|end of (?:context|document|input|prompt|text|"
        r"article))\b",
    ),
    Phrasing(
        "ends the passage on paper",
        0.85,
        r"\b(?:end of (?:the )?(?:context|document|passage|input|prompt|user (?:input|message)|"
        r"system (?:prompt|message)|source|article text)|begin(?:ning)? (?:of )?(?:system|"
        r"new) (?:prompt|instructions?))\b",
    ),
    Phrasing(
        "speaks to a model",
        0.75,
        rf"(?:\b(?:dear|attention|note to|hello|hey|hi|message (?:to|for)|instructions? (?:to|for)|"
        rf"important for|to (?:any|all|the))\W+(?:\w+\W+){{0,2}}?{_MODEL}\b\W*[:,!.—-])|"
        rf"\b(?:if you are an? |as an? )(?:ai|llm|large language model|language model|assistant|"
        rf"chatbot)\b",
        in_context=0.9,
    ),
    Phrasing(
        "gives orders to a model",
        0.85,
        r"\b(?:the )?(?:ai|assistant|chatbot|language model|llm|model)\W+(?:must|should|shall|"
        r"will now|is (?:instructed|required|ordered|told))\b",
    ),
    Phrasing(
        "asks to keep it from the user",
        0.85,
        r"\b(?:do(?: no|n')t|never|without|avoid)\W+(?:tell|telling|mention|mentioning|reveal|"
        r"revealing|inform|informing|alert|alerting|notify|notifying|disclose|"
        r"disclosing)\W+(?:\w+\W+){0,3}?(?:user|users|human|humans|reviewer|reviewers|anyone|"
        r"customer|operator|this instruction|these instructions)\b",
    ),
    Phrasing(
        "asks for a verdict",
        0.85,
        r"\b(?:mark|rate|score|grade|label|classify|judge|approve|accept|consider|evaluate|"
        r"flag)\W+(?:this|it|the (?:answer|response|output|following|"
        r"above))\W+(?:\w+\W+){0,3}?(?:as|with|at)\W+(?:\w+\W+){0,2}?(?:correct|safe|approved|"
        r"acceptable|accepted|pass|passed|passing|perfect|the best|best|high(?:est)?|full|maximum|"
        r"max|10|100|1\.0|5)\b",
    ),
    Phrasing(
        "asks to skip the review",
        0.9,
        r"\b(?:no|skip|without|bypass|avoid|not (?:need|require)|(?:do(?: no|n')t|never) (?:need|"
        r"require|send|route|forward)\w*)\W+(?:\w+\W+){0,6}?(?:human|manual|further)\W+(?:review|"
        r"reviewer|reviewers|oversight|approval|check|moderation|verification)\b",
    ),
    Phrasing(
        "steers what the answer holds",
        0.65,
        rf"\b{_PUT}\W+(?:\S+\W+){{0,14}}?(?:in|into|to|within|of|with|from|inside|at|for|"
        rf"throughout)\W+(?:the (?:end|beginning|start|top|bottom|"
        rf"middle) of )?your\W+(?:\w+\W+){{0,2}}?{_WORK}\b",
        in_context=0.92,
    ),
    Phrasing(
        "steers how the answer is written",
        0.62,
        rf"\b{_SHAPE}\W+(?:\S+\W+){{0,10}}?(?:your|the (?:final|entire|whole|"
        rf"following))\W+(?:\w+\W+){{0,2}}?{_WORK}\b",
        in_context=0.85,
    ),
    Phrasing("alters the answer", 0.62, rf"\b{_PUT}\W+your\W+(?:\w+\W+){{0,2}}?{_WORK}\b", in_context=0.9),
    Phrasing(
        "begins with the answer",
        0.62,
        rf"(?:^|[.!?\n]\s*)(?:also |please |and |then )?(?:in|within|throughout|for|with|"
        rf"at the (?:end|start|beginning) of) your (?:\w+\W+){{0,1}}?{_WORK}\b\W",
        in_context=0.85,
    ),
    Phrasing(
        "tells how to answer",
        0.62,
        r"\b(?:respond|reply|answer)\W+(?:(?:to|this|the|every|all|each)\W+(?:\w+\W+)?)?(?:only|"
        r"solely|exclusively|entirely|in|using|by|via)\W",
        in_context=0.65,
    ),
    Phrasing(
        "slips in code",
        0.7,
        rf"\b{_WHICH}\W+(?:\w+\W+){{0,2}}?{_PIECE}\b(?:\W+\w+){{0,16}}?\W+(?:your|the|my|this|"
        rf"this)?\W*(?:\w+\W+){{0,2}}?{_CODE_WORK}\b|\b(?:your|"
        rf"the)\W+(?:\w+\W+){{0,2}}?{_CODE_WORK}\b(?:\W+\w+){{0,14}}?\W+{_WHICH}\W+(?:\w+\W+){{0,2}}?{_PIECE}\b",
        in_context=0.92,
    ),
    Phrasing(
        "points to code that follows",
        0.4,
        rf"\b{_WHICH}\W+(?:\w+\W+){{0,2}}?code(?:\W+(?:snippet|excerpt|block|section|segment|"
        rf"fragment))?\b[^\n]*:?\s*\n?\s*```",
        in_context=0.8,
    ),
    Phrasing(
        "makes the reader follow a link",
        0.35,
        r"\b(?:click|download|visit|open|go to|install|follow|access|sign up at|log ?in (?:at|to)|"
        r"enter|submit)\b[^.\n]*?(?:https?://|www\.|\w+\.(?:com|net|org|io|xyz|info|ru|cn|top)\b)",
        in_context=0.4,
    ),
    Phrasing(
        "sends data out through an address",
        0.8,
        r"!\[[^\]]*\]\(https?://[^)\s]*\?[^)\s]*(?:=|%7b|\{)|\b(?:send|post|upload|forward|"
        r"transmit|exfiltrate|e-?mail)\b[^.\n]*?\b(?:conversation|chat history|api keys?|"
        r"passwords?|credentials|secrets?|tokens?|user data|personal data)\b[^.\n]*?\bto\b",
    ),
    Phrasing(
        "tells to drop instructions, in another language",
        0.95,
        r"\b(?:ignorier\w*|vergiss|vergesst|missacht\w*)\b(?:\W+\w+){0,5}?\W+(?:anweisungen|"
        r"anweisung|instruktionen|regeln|vorgaben|befehle)\b"
        r"|\b(?:ignore[zr]?|oublie[zr]?|neglige[zr]?)\b(?:\W+\w+){0,5}?\W+(?:instructions|"
        r"consignes|regles|directives)\b(?:\W+\w+){0,2}?\W+(?:precedent\w*|anterieur\w*|ci-dessus|"
        r"initial\w*)"
        r"|\b(?:ignora|ignore|ignorar|olvida|olvide|esquece|esqueca|desconsidere|dimentica|"
        r"dimenticate|ignorate)\b(?:\W+\w+){0,5}?\W+(?:instrucciones|instrucoes|istruzioni|reglas|"
        r"regras|regole|ordenes|ordens)\b"
        r"|\b(?:negeer|vergeet)\b(?:\W+\w+){0,5}?\W+(?:instructies|aanwijzingen|regels|opdrachten)\b"
        r"|\b(?:zignoruj|ignoruj|zapomnij)\b(?:\W+\w+){0,5}?\W+(?:instrukcje|polecenia|zasady)\b",
    ),
    Phrasing(
        "tells to drop instructions, in another script",
        0.95,
        r"(?:игнорируи\w*|игнорируй\w*|забудь\w*)\s+(?:\S+\s+){0,4}?(?:инструкци\w*|указани\w*|правила)"
        r"|(?:忽略|无视|無視|忘记|忘記|不要理会)[^。\n]{0,12}(?:指令|指示|提示|规则|規則|說明|说明)"
        r"|(?:指示|命令|ルール|フロンフト|プロンプト)[^。\n]{0,6}(?:無視|忘れ)"
        r"|(?:지시|명령|지침)[^.\n]{0,8}(?:무시|잊)|(?:تجاهل|انس)\s+(?:\S+\s+){0,3}?(?:التعليمات|الاوامر|الأوامر)",
    ),
)

# For text without spaces. Only phrases that no run of ordinary words makes by chance.
SQUEEZED = re2.compile(
    blurred(
        r"(?:ignore|disregard|forget|override|bypass)(?:all|any|the|your|of|these|those|my|every){0,3}"
        r"(?:previous|prior|above|earlier|preceding|foregoing|system|initial|original|"
        r"existing)(?:system|given|safety){0,1}"
        r"(?:instruction|prompt|rule|guideline|direction|directive|command|order|message|constraint)"
        r"|(?:reveal|print|show|repeat|output|display|leak)(?:me|us|the|your|all|of|"
        r"my){0,3}(?:system|hidden|secret|initial)"
        r"(?:prompt|instruction|message)"
        r"|youarenow(?:dan|in|an|un)|doanythingnow|developermodeenabled|ignoreeverythingabove|forgeteverythingabove"
    )
)
COMPILED = tuple((phrasing, re2.compile(phrasing.pattern)) for phrasing in PHRASINGS)
