mod contact;
mod operator;

pub use contact::{contact, text};
pub use operator::{
    cancel, change_conversation, close_or_reopen, read, resend, start_conversation,
    write_to_somebody,
};
