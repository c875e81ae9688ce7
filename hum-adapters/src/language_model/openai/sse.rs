//! Server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>).

use hum_core::language_model::ModelError;

/// The longest event: the last one of a Responses stream repeats the whole answer and its request.
const MAX_EVENT: usize = 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its type, `message` when none was given.
    pub(super) name: String,
    /// Its data, lines joined by line feeds.
    pub(super) data: String,
}

/// Cuts bytes into events. Works on bytes and decodes whole lines only, so a character may arrive
/// in two pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    first_line_read: bool,
    name: String,
    data: String,
    has_data: bool,
}

impl Parser {
    /// The events that are complete with these bytes. An event that the end of the stream cuts off
    /// is not one.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, ModelError> {
        let mut events = Vec::new();
        for &byte in bytes {
            // Lines end with CR, LF or CR LF.
            let second_half = byte == b'\n' && std::mem::take(&mut self.after_carriage_return);
            match byte {
                _ if second_half => {}
                b'\r' | b'\n' => {
                    self.after_carriage_return = byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => {
                    self.after_carriage_return = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.data.len() > MAX_EVENT {
                return Err(ModelError::Unavailable(
                    "an event of the stream is too long".into(),
                ));
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = if std::mem::replace(&mut self.first_line_read, true) {
            &line
        } else {
            line.trim_start_matches('\u{feff}')
        };
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = std::mem::take(&mut self.data);
            let complete = std::mem::take(&mut self.has_data);
            return complete.then(|| Event {
                name: if name.is_empty() {
                    "message".into()
                } else {
                    name
                },
                data,
            });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.name),
            // A comment has an empty name; ids and retry times are for clients that reconnect.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
        }
    }

    #[test]
    fn reads_every_field_and_line_end() {
        let text = "\u{feff}: comment\nevent: a\r\ndata: 1\r\ndata:2\r\rdata\n\nid: 7\nretry: 5\n\nevent: lost\n\ndata:  two blanks\n\ndata: cut off";
        let events = Parser::default().push(text.as_bytes()).unwrap();
        assert_eq!(
            events,
            [
                event("a", "1\n2"),
                event("message", ""),
                event("message", " two blanks")
            ]
        );
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let endless = (0..2_000).find_map(|_| parser.push(&[b'x'; 1024]).err());
        assert!(matches!(endless, Some(ModelError::Unavailable(_))));
        let mut parser = Parser::default();
        let endless = (0..2_000).find_map(|_| {
            parser
                .push(format!("data: {}\n", "x".repeat(1024)).as_bytes())
                .err()
        });
        assert!(endless.is_some(), "an event of endless lines");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "(data: [a-zé😀]{0,9}(\r\n|\n|\r){1,3}|event: [ab](\n|\r\n)){0,12}", cuts in prop::collection::vec(1usize..7, 0..80)) {
            let whole = Parser::default().push(text.as_bytes()).unwrap();
            let mut parser = Parser::default();
            let mut pieces = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.extend(parser.push(piece).unwrap());
                rest = after;
            }
            pieces.extend(parser.push(rest).unwrap());
            prop_assert_eq!(pieces, whole);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = Parser::default().push(&bytes);
        }
    }
}
