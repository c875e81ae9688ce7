//! The release that a file belongs to, from its name.
//!
//! The FCC names its files
//! `bdc_{state}_{technology}_fixed_broadband_{J|D}{year}_{date of the revision}`: J is for data as
//! of June 30th, D for December 31st. Example: `bdc_24_Cable_fixed_broadband_J25_22nov2025.csv`.
//! Source: "BDC Specifications for Data Downloads from the National Broadband Map", section 3.1.1.

use std::path::Path;

use super::error::ImportError;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The one vintage of all files, such as `J25-14nov2025`.
///
/// # Errors
/// Names disagree, or say nothing and nobody else does.
pub fn of_files(files: &[impl AsRef<Path>], said: Option<&str>) -> Result<String, ImportError> {
    if let Some(said) = said
        && !fits(said)
    {
        return Err(ImportError::Usage(format!(
            "the vintage {said:?} is not right; it must have 1 to 60 letters, digits, dots or hyphens, such as J25-14nov2025"
        )));
    }
    let mut found = said.map(|said| (said.to_owned(), "--vintage".to_owned()));
    let mut unnamed = None;
    for file in files {
        let name = file
            .as_ref()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match (of_name(&name), &found) {
            (Some(vintage), None) => found = Some((vintage, name)),
            (Some(vintage), Some((first, whose))) if vintage != *first => {
                return Err(ImportError::Usage(format!(
                    "{name} is of {vintage}, but {whose} is of {first}; import files of one filing date together, because an \
                     answer names one"
                )));
            }
            (Some(_), Some(_)) => {}
            (None, _) => unnamed = unnamed.or(Some(name)),
        }
    }
    match (found, unnamed) {
        (Some((vintage, _)), None) => Ok(vintage),
        (Some((vintage, _)), Some(_)) if said.is_some() => Ok(vintage),
        (_, unnamed) => Err(ImportError::Usage(format!(
            "the name {:?} does not say which release it is; keep the FCC's name, which ends in such as _J25_14nov2025.csv, or add \
             --vintage J25-14nov2025",
            unnamed.unwrap_or_default()
        ))),
    }
}

fn fits(text: &str) -> bool {
    (1..=60).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

/// `None`: the name does not end like the FCC's.
fn of_name(name: &str) -> Option<String> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let (rest, revision) = stem.rsplit_once('_')?;
    let (_, filing) = rest.rsplit_once('_')?;
    let filing_fits = filing.len() == 3
        && filing.starts_with(['J', 'D'])
        && filing.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    let digits = revision.bytes().take_while(u8::is_ascii_digit).count();
    let (day, rest) = revision.split_at_checked(digits)?;
    let (month, year) = rest.split_at_checked(3)?;
    let revision_fits = (1..=2).contains(&day.len())
        && MONTHS.contains(&month.to_ascii_lowercase().as_str())
        && year.len() == 4
        && year.bytes().all(|byte| byte.is_ascii_digit());
    (filing_fits && revision_fits).then(|| format!("{filing}-{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_its_release() {
        for (name, vintage) in [
            (
                "bdc_26_FiberToThePremises_fixed_broadband_J25_14nov2025.csv",
                Some("J25-14nov2025"),
            ),
            (
                "bdc_24_Cable_fixed_broadband_D24_5may2025.csv",
                Some("D24-5may2025"),
            ),
            ("bdc_24_Cable_fixed_broadband_D24.csv", None),
            ("bdc_24_Cable_fixed_broadband_D24_5may25.csv", None),
            ("bdc_24_Cable_fixed_broadband_X24_5may2025.csv", None),
            ("_J25_ö.csv", None),
            ("michigan.csv", None),
        ] {
            assert_eq!(of_name(name).as_deref(), vintage, "{name}");
        }
    }

    #[test]
    fn files_of_two_filing_dates_are_not_mixed() {
        let error = of_files(&["a_J25_14nov2025.csv", "b_J25_22nov2025.csv"], None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a_J25_14nov2025.csv is of J25-14nov2025")
                && error.contains("b_J25_22nov2025.csv"),
            "{error}"
        );
        let error = of_files(&["a_J25_14nov2025.csv"], Some("D24"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--vintage is of D24"), "{error}");
    }

    #[test]
    fn a_file_without_a_release_needs_one_from_the_caller() {
        assert_eq!(
            of_files(&["michigan.csv"], Some("D24-mine")).unwrap(),
            "D24-mine"
        );
        assert_eq!(
            of_files(
                &["michigan.csv", "x_J25_14nov2025.csv"],
                Some("J25-14nov2025")
            )
            .unwrap(),
            "J25-14nov2025"
        );
        for files in [
            &["michigan.csv"][..],
            &["x_J25_14nov2025.csv", "michigan.csv"],
        ] {
            assert!(
                of_files(files, None)
                    .unwrap_err()
                    .to_string()
                    .contains("--vintage J25-14nov2025")
            );
        }
        assert!(of_files(&["michigan.csv"], Some("../x")).is_err());
    }
}
