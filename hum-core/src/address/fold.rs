//! Capital letters without accents, and only the punctuation that means something (Publication 28,
//! sections 212, 222 and 232).

use std::borrow::Cow;

/// One word of an address: most are borrowed from the folded text.
pub(super) type Word<'a> = Cow<'a, str>;

/// Capital letters, digits, single spaces, and `#`; `/`, `-` and `.` only where they stand inside
/// of a number or word.
///
/// # Errors
/// The first character that no address in the United States has.
pub(super) fn fold(text: &str) -> Result<String, char> {
    let plain = plain(text)?;
    Ok(punctuate(plain.as_bytes()))
}

/// The words of folded text.
pub(super) fn words(folded: &str) -> Vec<Word<'_>> {
    let mut words = Vec::with_capacity(16);
    words.extend(
        folded
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(Cow::Borrowed),
    );
    words
}

pub(super) fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

pub(super) fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_letter(word: &str) -> bool {
    matches!(word.as_bytes(), [b'A'..=b'Z'])
}

/// Drops the hyphen between a letter and a digit: `4-B` and `4B` are one door. Between digits it
/// means something: `112-10`.
pub(super) fn without_loose_hyphens<'a>(word: Word<'a>) -> Word<'a> {
    let bytes = word.as_bytes();
    let meant = |at: usize| {
        at > 0
            && at + 1 < bytes.len()
            && bytes[at - 1].is_ascii_digit() == bytes[at + 1].is_ascii_digit()
    };
    if !(0..bytes.len()).any(|at| bytes[at] == b'-' && !meant(at)) {
        return word;
    }
    let kept = bytes
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte != b'-' || meant(*at));
    Cow::Owned(kept.map(|(_, byte)| char::from(*byte)).collect())
}

/// Every character as ASCII; apostrophes and accents are gone.
fn plain(text: &str) -> Result<String, char> {
    let mut plain = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            'a'..='z' => plain.push(character.to_ascii_uppercase()),
            'A'..='Z' | '0'..='9' | ' ' | '.' | '-' | '/' | '#' => plain.push(character),
            '\'' | '`' => {}
            '&' => plain.push_str(" AND "),
            '!'..='~' => plain.push(' '),
            _ => beyond_ascii(character, &mut plain)?,
        }
    }
    Ok(plain)
}

fn beyond_ascii(character: char, plain: &mut String) -> Result<(), char> {
    let folded = match character {
        // apostrophes, okinas, marks that follow their letter, ordinal signs, invisible characters
        // of copied text
        '‘' | '’' | '‛' | '′' | '´' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ʾ' | 'ʿ' => "",
        '\u{300}'..='\u{36f}' | 'º' | 'ª' | '°' | '™' | '®' | '\u{ad}' => "",
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{fe0e}'
        | '\u{fe0f}'
        | '\u{feff}' => "",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => "-",
        '\u{2044}' | '\u{2215}' => "/",
        '№' => "#",
        '½' => " 1/2",
        '¼' => " 1/4",
        '¾' => " 3/4",
        '⅓' => " 1/3",
        '⅔' => " 2/3",
        '⅛' => " 1/8",
        '⅜' => " 3/8",
        '⅝' => " 5/8",
        '⅞' => " 7/8",
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ǎ' | 'ǎ' | 'Ạ'..='ặ' => "A",
        'Æ' | 'æ' => "AE",
        'Ç' | 'ç' | 'Ć'..='č' => "C",
        'Ď'..='đ' | 'Ð' | 'ð' => "D",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'Ẹ'..='ệ' => "E",
        'Ĝ'..='ģ' => "G",
        'Ĥ'..='ħ' => "H",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ǐ' | 'ǐ' | 'Ỉ'..='ị' => "I",
        'Ĵ' | 'ĵ' => "J",
        'Ķ' | 'ķ' => "K",
        'Ĺ'..='ł' => "L",
        'Ñ' | 'ñ' | 'Ń'..='ň' => "N",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ơ' | 'ơ' | 'Ǒ' | 'ǒ' | 'Ọ'..='ợ' => {
            "O"
        }
        'Œ' | 'œ' => "OE",
        'Ŕ'..='ř' => "R",
        'Ś'..='š' | 'Ș' | 'ș' => "S",
        'ß' | 'ẞ' => "SS",
        'Ţ'..='ŧ' | 'Ț' | 'ț' => "T",
        'Þ' | 'þ' => "TH",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ư' | 'ư' | 'Ǔ'..='ǜ' | 'Ụ'..='ự' => "U",
        'Ŵ' | 'ŵ' | 'Ẁ'..='ẅ' => "W",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'Ỳ'..='ỹ' => "Y",
        'Ź'..='ž' => "Z",
        // capital letters, small letters, digits and signs at full width
        '\u{ff01}'..='\u{ff5e}' => {
            let narrow = char::from_u32(u32::from(character) - 0xfee0).ok_or(character)?;
            match narrow {
                '\'' | '`' => {}
                '&' => plain.push_str(" AND "),
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '/' | '#' => {
                    plain.push(narrow.to_ascii_uppercase())
                }
                _ => plain.push(' '),
            }
            return Ok(());
        }
        // guillemets, quotation marks, bullets, dots
        '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{2016}'
        | '\u{2017}' | '\u{201a}' => " ",
        '\u{201c}'..='\u{201f}' | '\u{2020}'..='\u{2027}' | '\u{2032}'..='\u{203a}' => " ",
        _ if character.is_whitespace() && !character.is_control() => " ",
        _ => return Err(character),
    };
    plain.push_str(folded);
    Ok(())
}

/// Keeps `.`, `/` and `-` where they mean something, makes them spaces or nothing elsewhere, and
/// spaces single.
fn punctuate(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 4);
    let mut letters = 0; // since the last separator or period
    for (at, &byte) in bytes.iter().enumerate() {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        match byte {
            b'.' if before.is_ascii_digit() && after.is_ascii_digit() => out.push('.'),
            // `U.S.`, `P.O.`, `N.E.` are one word; `St.Paul` and `N.Main` are two
            b'.' if after.is_ascii_alphanumeric()
                && !(letters == 1 && run_of_letters(bytes, at + 1) == 1) =>
            {
                space(&mut out)
            }
            b'.' => {}
            b'/' if before.is_ascii_digit() && after.is_ascii_digit() => out.push('/'),
            // section 232: between letters it is a space; beside a digit it may belong to a number
            b'-' if before.is_ascii_alphabetic() && after.is_ascii_alphabetic() => space(&mut out),
            b'-' if before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric() => {
                out.push('-')
            }
            b'-' if spaced_range(&out, bytes, at) => {
                out.truncate(out.trim_end().len());
                out.push('-');
            }
            b'#' => {
                space(&mut out);
                out.push('#');
                out.push(' ');
            }
            b' ' if out.ends_with('-') => {}
            b' ' | b'/' | b'-' => space(&mut out),
            _ => out.push(char::from(byte)),
        }
        letters = if byte.is_ascii_alphabetic() {
            letters + 1
        } else {
            0
        };
    }
    out.truncate(out.trim_end().len());
    out
}

fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn run_of_letters(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count()
}

/// Whether a hyphen with spaces around it joins the two halves of a house number:
/// `112 - 10 BRONX RD` (appendix D1).
fn spaced_range(out: &str, bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at + 1..];
    let rest = &rest[rest.iter().take_while(|byte| **byte == b' ').count()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    is_digits(out.trim_end()) && digits > 0 && rest.get(digits) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_stays_only_where_it_means_something() {
        for (typed, folded) in [
            ("  o'Brien   st. ", "OBRIEN ST"),
            ("U.S. Hwy", "US HWY"),
            ("P.O.Box 5", "PO BOX 5"),
            ("St.Paul", "ST PAUL"),
            ("N.Main", "N MAIN"),
            ("39.2 Rd.", "39.2 RD"),
            ("112 - 10 Bronx", "112-10 BRONX"),
            ("12 Main - 5", "12 MAIN 5"),
            ("Apt#4", "APT # 4"),
            ("Mid-Island I-80", "MID ISLAND I-80"),
            ("1/2 a/b", "1/2 A B"),
            ("Peña Ōla", "PENA OLA"),
        ] {
            assert_eq!(fold(typed).as_deref(), Ok(folded), "{typed}");
        }
    }

    #[test]
    fn letters_of_other_scripts_are_refused() {
        assert_eq!(fold("улица"), Err('у'));
        assert_eq!(fold("12 🏠"), Err('🏠'));
        assert_eq!(fold("a\0b"), Err('\0'));
    }
}
