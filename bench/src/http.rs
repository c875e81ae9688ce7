//! As much of HTTP/1.1 as both ends of a benchmark need.

use std::{io, ops::Range};

use tokio::{io::AsyncReadExt as _, net::TcpStream};

/// A request or an answer in a buffer.
pub struct Message {
    /// Where its first line and its headers are.
    pub head: Range<usize>,
    pub body: Range<usize>,
}

impl Message {
    /// Reads one that has a `content-length`, or no body; `None` when the other end hung up before
    /// its first byte.
    pub async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Self>> {
        buffer.clear();
        loop {
            if stream.read_buf(buffer).await? == 0 {
                let nothing = buffer.is_empty();
                return if nothing {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
            let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            let length: usize = header(text(&buffer[..head])?, "content-length")
                .map_or(Ok(0), str::parse)
                .map_err(io::Error::other)?;
            let end = head + 4 + length;
            // What is missing arrives in as few reads as it can.
            buffer.reserve(end.saturating_sub(buffer.len()));
            while buffer.len() < end {
                if stream.read_buf(buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok(Some(Self {
                head: 0..head,
                body: head + 4..end,
            }));
        }
    }
}

/// The first line and the headers, as text.
pub fn text(head: &[u8]) -> io::Result<&str> {
    std::str::from_utf8(head).map_err(io::Error::other)
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_header_is_found_however_it_is_written() {
        let head = "POST /hum HTTP/1.1\r\nHost: hum.example.com\r\nWebhook-Id:  evt_1 ";
        assert_eq!(super::header(head, "webhook-id"), Some("evt_1"));
        assert_eq!(super::header(head, "content-length"), None);
    }
}
