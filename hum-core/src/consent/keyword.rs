/// A text that is a command to the sender, not a message to the agent.
///
/// Opt-out: the words of CTIA and Twilio (<https://help.twilio.com/articles/223134027>) and those
/// that the FCC names as revocation per se, among them REVOKE and OPT OUT (47 CFR 64.1200(a)(10)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// Stop texting me.
    OptOut,
    /// Text me again. `YES` only counts while opted out; see [`Keyword::of`].
    OptIn,
    /// Who is this?
    Help,
}

const OPT_OUT: &[&str] = &[
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
    "OPT OUT",
];
const OPT_IN: &[&str] = &["START", "UNSTOP"];
const HELP: &[&str] = &["HELP", "INFO"];

impl Keyword {
    /// The keyword that the whole of `body` is, whatever its case, punctuation and white space.
    ///
    /// An opt-in word of somebody who is not opted out is an ordinary message ("yes" answers a
    /// question).
    pub fn of(body: &str, opted_out: bool) -> Option<Self> {
        let word = normalize(body);
        let word = word.as_str();
        if OPT_OUT.contains(&word) {
            Some(Self::OptOut)
        } else if opted_out && (OPT_IN.contains(&word) || word == "YES") {
            Some(Self::OptIn)
        } else if HELP.contains(&word) {
            Some(Self::Help)
        } else {
            None
        }
    }
}

/// Upper-case letters and digits, everything else a single space. Accents are folded, so `STÓP`
/// counts.
fn normalize(body: &str) -> String {
    let mut words = String::new();
    for char in body.chars().take(64) {
        if char.is_alphanumeric() {
            words.extend(fold(char).to_uppercase());
        } else if !is_invisible(char) && !words.ends_with(' ') && !words.is_empty() {
            words.push(' ');
        }
    }
    if body.chars().nth(64).is_some() {
        String::new()
    } else {
        words.trim_end().to_owned()
    }
}

fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}' | '\'' | '’'
    )
}

fn fold(char: char) -> char {
    match char {
        'à'..='å' | 'À'..='Å' => 'a',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ò'..='ö' | 'Ò'..='Ö' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
            // Full-width Latin letters are 0xFEE0 above their ASCII forms.
            char::from_u32(char as u32 - 0xfee0).unwrap_or(char)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opt_out_in_every_spelling() {
        for word in OPT_OUT {
            for body in [
                word.to_string(),
                word.to_lowercase(),
                format!("  {word}. "),
                format!("\"{word}!!\""),
                format!("{word} 🛑"),
            ] {
                assert_eq!(Keyword::of(&body, false), Some(Keyword::OptOut), "{body}");
            }
        }
        for body in [
            "Opt-Out",
            "opt.out",
            "stop\n",
            "ＳＴＯＰ",
            "s\u{200b}top",
            "stóp",
        ] {
            assert_eq!(Keyword::of(body, false), Some(Keyword::OptOut), "{body}");
        }
    }

    #[test]
    fn yes_counts_only_while_opted_out() {
        assert_eq!(Keyword::of("Yes!", false), None);
        assert_eq!(Keyword::of("Yes!", true), Some(Keyword::OptIn));
        assert_eq!(Keyword::of("start", false), None);
        assert_eq!(Keyword::of("start", true), Some(Keyword::OptIn));
    }

    #[test]
    fn sentences_are_messages() {
        for body in [
            "don't stop by before 5",
            "please start",
            "I need help with my bill",
            "",
            " ",
            "unstoppable",
            "s t o p",
        ] {
            assert_eq!(Keyword::of(body, false), None, "{body}");
        }
        assert_eq!(Keyword::of("info", false), Some(Keyword::Help));
        assert_eq!(Keyword::of(&format!("stop{}", " ".repeat(80)), false), None);
    }
}
