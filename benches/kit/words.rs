//! Prose that reads, to a compressor and a parser, like the real thing.

/// What prose is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Words, mostly ASCII.
    English,
    /// Characters of three bytes each.
    Chinese,
}

impl Language {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

const COMMON: &str = "the of and to in a is that for it as was with be by on not he his but at are \
    this have from or had an they which one you were all her she there would their we him been has \
    when who will no more if out so up said what its about than into them can only other time new \
    some could these two may first then do any like my now over such our man me even most made \
    after also did many off before must well back through years much where your way down should \
    because long each just state those people too mr how little good world make very year still \
    see work life men day between never own us under last might while city house against country \
    second market report season project police school energy water river century minister company";

const SYLLABLES: [&str; 32] = [
    "ter", "ran", "mo", "li", "ca", "ber", "den", "ver", "sta", "no", "per", "ti", "gal", "en",
    "mar", "so", "ra", "con", "pro", "di", "lu", "fer", "ment", "a", "ion", "ex", "vi", "tal",
    "gra", "ho", "pen", "ze",
];

const CHARACTERS: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动\
    同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使\
    点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质\
    气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长\
    求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保\
    治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例";

/// Numbers that look drawn, the same for the same seed (`splitmix64`).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 on, less than `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From 0 on, less than `end`, small numbers far more often than large ones.
    fn skewed(&mut self, end: usize) -> usize {
        let unit = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((end as f64).powf(unit) - 1.0) as usize
    }

    /// So many words (or as long a run of characters).
    pub(crate) fn words(&mut self, language: Language, count: u64) -> String {
        let mut text = String::new();
        match language {
            Language::English => {
                let common: Vec<&str> = COMMON.split_ascii_whitespace().collect();
                for _ in 0..count {
                    text.extend((!text.is_empty()).then_some(' '));
                    if self.below(2) == 0 {
                        text.push_str(common[self.skewed(common.len())]);
                    } else {
                        self.push_rare_word(&mut text);
                    }
                }
            }
            Language::Chinese => {
                let characters: Vec<char> = CHARACTERS.chars().collect();
                for _ in 0..count * 2 {
                    text.push(characters[self.skewed(characters.len())]);
                }
            }
        }
        text
    }

    /// One of some thousand words that are not among the common ones.
    fn push_rare_word(&mut self, text: &mut String) {
        let mut number = self.skewed(SYLLABLES.len().pow(3));
        for _ in 0..2 + number % 2 {
            text.push_str(SYLLABLES[number % SYLLABLES.len()]);
            number /= 7;
        }
    }

    /// A sentence.
    pub(crate) fn sentence(&mut self, language: Language) -> String {
        let (first, second) = (5 + self.below(9), 3 + self.below(8));
        let (first, second) = (self.words(language, first), self.words(language, second));
        match language {
            Language::English => format!("{first}, {second}."),
            Language::Chinese => format!("{first}，{second}。"),
        }
    }
}
