use super::{Address, AddressInput, InvalidComponent};

/// Normalizes an address after USPS Publication 28.
///
/// # Errors
/// Every component that cannot be used, each with what to do.
pub fn normalize(input: &AddressInput) -> Result<Address, Vec<InvalidComponent>> {
    let _ = input;
    Err(vec![])
}
