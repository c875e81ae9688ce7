//! What the environment says. A bad value stops the start with one sentence that names it.

use std::{fmt::Display, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use hum_adapters::{geocode, storage::PostgresStore};
use hum_core::{access::Quotas, cipher::Secret, job::JOBS_AT_ONCE, telephony::CarrierCredentials};

/// A variable whose value cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {problem}; {right}")]
pub struct BadValue {
    /// Which.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub right: String,
}

impl BadValue {
    /// A value that cannot be used.
    pub fn new(name: &'static str, problem: impl Display, right: impl Into<String>) -> Self {
        Self {
            name,
            problem: problem.to_string(),
            right: right.into(),
        }
    }
}

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// An address; it may hold a password.
    Postgres(Secret<String>),
}

/// Which carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Handsets in memory.
    Fake,
    /// Twilio, or something that speaks like it.
    Twilio {
        /// Where it is, when not at Twilio.
        api_url: Option<String>,
        /// The account of organizations that have none of their own.
        account: Option<CarrierCredentials>,
    },
}

/// Which language model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// Fixed rules.
    Scripted,
    /// OpenAI's Responses endpoint (`chat` is false), or any chat endpoint like OpenAI's.
    OpenAi {
        /// Whether to use the chat endpoint.
        chat: bool,
        /// Sent as a bearer token.
        api_key: Secret<String>,
        /// Where it is, when not at OpenAI.
        base_url: Option<String>,
        /// For flows that name none.
        model: String,
    },
}

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where files are.
    pub data_dir: PathBuf,
    /// Where the records are.
    pub database: DatabaseUrl,
    /// How many connections to Postgres this process has at most.
    pub postgres_connections: usize,
    /// What the carrier and customers see; `None` is the address that is listened on.
    pub public_url: Option<String>,
    /// What to log.
    pub log: String,
    /// Which carrier.
    pub carrier: Carrier,
    /// How long a request to the carrier may take.
    pub carrier_timeout: Duration,
    /// Which language model.
    pub model: Model,
    /// Which addresses webhooks may reach although they are not public.
    pub egress_allow: String,
    /// The key that seals secrets, instead of a key file.
    pub master_key: Option<Secret<String>>,
    /// Keys that were master keys once: they open what they sealed.
    pub old_master_keys: Vec<Secret<String>>,
    /// How many answers to people, and how many jobs that wait for servers of others, run at once.
    pub workers: usize,
    /// What finds addresses.
    pub geocoder: geocode::Settings,
    /// After how long without use an address session expires.
    pub session_idle: Duration,
    /// How long the creation of an address session waits for sources over a network.
    pub session_wait: Duration,
    /// How often one key may call.
    pub key_quotas: Quotas,
    /// How often all keys of an organization together may call.
    pub organization_quotas: Quotas,
}

/// OpenAI's model when nobody names one.
const DEFAULT_MODEL: &str = "gpt-5-mini";

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn from_env() -> Result<Self, BadValue> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads any environment. An empty value counts as none.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn read(env: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadValue> {
        let get = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let data_dir = PathBuf::from(get("HUM_DATA_DIR").unwrap_or_else(|| "./hum-data".into()));
        Ok(Self {
            bind: parsed(
                &get,
                "HUM_BIND",
                "127.0.0.1:8080",
                "it must be an address and port such as 127.0.0.1:8080",
            )?,
            database: database(get("HUM_DATABASE_URL"), &data_dir)?,
            postgres_connections: postgres_connections(&get)?,
            public_url: get("HUM_PUBLIC_URL")
                .map(|url| origin("HUM_PUBLIC_URL", &url))
                .transpose()?,
            log: get("HUM_LOG").unwrap_or_else(|| "info".into()),
            carrier: carrier(&get)?,
            carrier_timeout: Duration::from_secs(seconds(
                &get,
                "HUM_CARRIER_TIMEOUT_SECONDS",
                "30",
            )?),
            model: model(&get)?,
            egress_allow: get("HUM_EGRESS_ALLOW").unwrap_or_default(),
            master_key: get("HUM_MASTER_KEY").map(Secret::new),
            old_master_keys: list(&get("HUM_OLD_MASTER_KEYS").unwrap_or_default()),
            workers: workers(&get)?,
            geocoder: geocoder(&get)?,
            session_idle: session_idle(&get)?,
            session_wait: session_wait(&get)?,
            key_quotas: key_quotas(&get)?,
            organization_quotas: organization_quotas(&get)?,
            data_dir,
        })
    }
}

type Get<'a> = dyn Fn(&str) -> Option<String> + 'a;

fn parsed<T: FromStr>(
    get: &Get,
    name: &'static str,
    default: &str,
    right: &str,
) -> Result<T, BadValue> {
    let text = get(name).unwrap_or_else(|| default.into());
    text.trim()
        .parse()
        .map_err(|_| BadValue::new(name, format!("{text:?}"), right))
}

fn seconds(get: &Get, name: &'static str, default: &str) -> Result<u64, BadValue> {
    let right = "it must be a number of seconds from 1 to 300";
    let seconds: u64 = parsed(get, name, default, right)?;
    if (1..=300).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(BadValue::new(name, seconds, right))
    }
}

fn workers(get: &Get) -> Result<usize, BadValue> {
    let right = "it must be a number of jobs from 0 (serve only) to 10000";
    let workers = parsed(get, "HUM_WORKERS", &JOBS_AT_ONCE.to_string(), right)?;
    if workers <= 10_000 {
        Ok(workers)
    } else {
        Err(BadValue::new("HUM_WORKERS", workers, right))
    }
}

fn geocoder(get: &Get) -> Result<geocode::Settings, BadValue> {
    let source = match get("HUM_GEOCODER")
        .unwrap_or_else(|| "offline".into())
        .as_str()
    {
        "offline" => geocode::Source::Offline,
        "census" => geocode::Source::Census,
        "nominatim" => geocode::Source::Nominatim,
        other => {
            return Err(BadValue::new(
                "HUM_GEOCODER",
                format!("{other:?}"),
                "it must be offline, census or nominatim",
            ));
        }
    };
    Ok(geocode::Settings {
        source,
        base_url: get("HUM_GEOCODER_URL")
            .map(|url| origin("HUM_GEOCODER_URL", &url))
            .transpose()?,
        user_agent: get("HUM_GEOCODER_USER_AGENT"),
        ..geocode::Settings::default()
    })
}

fn session_idle(get: &Get) -> Result<Duration, BadValue> {
    let right = "it must be a number of minutes from 1 to 1440";
    let minutes: u64 = parsed(get, "HUM_SESSION_IDLE_MINUTES", "30", right)?;
    if (1..=1440).contains(&minutes) {
        Ok(Duration::from_secs(minutes * 60))
    } else {
        Err(BadValue::new("HUM_SESSION_IDLE_MINUTES", minutes, right))
    }
}

fn session_wait(get: &Get) -> Result<Duration, BadValue> {
    let right = "it must be a number of seconds from 0 to 20";
    let seconds: u64 = parsed(get, "HUM_SESSION_WAIT_SECONDS", "2", right)?;
    if seconds <= 20 {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(BadValue::new("HUM_SESSION_WAIT_SECONDS", seconds, right))
    }
}

fn key_quotas(get: &Get) -> Result<Quotas, BadValue> {
    let default = Quotas::OF_A_KEY;
    Ok(Quotas {
        read: quota(get, "HUM_RATE_READ_PER_MINUTE", default.read)?,
        write: quota(get, "HUM_RATE_WRITE_PER_MINUTE", default.write)?,
        send: quota(get, "HUM_RATE_SEND_PER_MINUTE", default.send)?,
        sessions: quota(get, "HUM_SESSION_REQUESTS_PER_MINUTE", default.sessions)?,
    })
}

fn organization_quotas(get: &Get) -> Result<Quotas, BadValue> {
    let default = Quotas::OF_AN_ORGANIZATION;
    Ok(Quotas {
        read: quota(get, "HUM_RATE_ORG_READ_PER_MINUTE", default.read)?,
        write: quota(get, "HUM_RATE_ORG_WRITE_PER_MINUTE", default.write)?,
        send: quota(get, "HUM_RATE_ORG_SEND_PER_MINUTE", default.send)?,
        sessions: quota(get, "HUM_RATE_ORG_SESSIONS_PER_MINUTE", default.sessions)?,
    })
}

fn quota(get: &Get, name: &'static str, default: u32) -> Result<u32, BadValue> {
    let right = "it must be a number of requests; 0 is no limit";
    parsed(get, name, &default.to_string(), right)
}

fn database(url: Option<String>, data_dir: &std::path::Path) -> Result<DatabaseUrl, BadValue> {
    let Some(url) = url else {
        return Ok(DatabaseUrl::Sqlite(data_dir.join("hum.db")));
    };
    match url.split_once("://") {
        Some(("sqlite", path)) if !path.is_empty() => Ok(DatabaseUrl::Sqlite(path.into())),
        Some(("postgres" | "postgresql", _)) => Ok(DatabaseUrl::Postgres(Secret::new(url))),
        // The value is not repeated: it may hold a password.
        _ => Err(BadValue::new(
            "HUM_DATABASE_URL",
            "not a database address",
            "it must be sqlite://path or postgres://user:password@host/database",
        )),
    }
}

fn postgres_connections(get: &Get) -> Result<usize, BadValue> {
    let right = "it must be a number of connections from 4 to 1000";
    let connections = parsed(get, "HUM_POSTGRES_CONNECTIONS", "10", right)?;
    if (PostgresStore::FEWEST_CONNECTIONS..=1_000).contains(&connections) {
        Ok(connections)
    } else {
        Err(BadValue::new(
            "HUM_POSTGRES_CONNECTIONS",
            connections,
            right,
        ))
    }
}

/// An http address without query, without a slash at its end.
fn origin(name: &'static str, text: &str) -> Result<String, BadValue> {
    let fits = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if fits {
        Ok(text.trim().trim_end_matches('/').to_owned())
    } else {
        Err(BadValue::new(
            name,
            format!("{text:?}"),
            "it must be an http or https address such as https://hum.example.com",
        ))
    }
}

/// Texts with commas between them.
fn list(text: &str) -> Vec<Secret<String>> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| Secret::new(part.to_owned()))
        .collect()
}

/// An origin alone: what is below it is the vendor's.
fn bare_origin(name: &'static str, text: &str) -> Result<String, BadValue> {
    let origin = origin(name, text)?;
    if url::Url::parse(&origin).is_ok_and(|url| url.path() == "/") {
        Ok(origin)
    } else {
        Err(BadValue::new(
            name,
            format!("{text:?}"),
            "it must be an address without a path, such as https://api.twilio.com",
        ))
    }
}

fn carrier(get: &Get) -> Result<Carrier, BadValue> {
    let account_sid = get("TWILIO_ACCOUNT_SID");
    let default = if account_sid.is_some() {
        "twilio"
    } else {
        "fake"
    };
    match get("HUM_CARRIER")
        .unwrap_or_else(|| default.into())
        .as_str()
    {
        "fake" => Ok(Carrier::Fake),
        "twilio" => {
            let api_url = get("HUM_TWILIO_API_URL")
                .map(|url| bare_origin("HUM_TWILIO_API_URL", &url))
                .transpose()?;
            let account = match (account_sid, get("TWILIO_AUTH_TOKEN")) {
                (Some(account_sid), Some(token)) => Some(CarrierCredentials {
                    account_sid,
                    auth_token: Secret::new(token),
                    secondary_auth_token: get("TWILIO_SECONDARY_AUTH_TOKEN").map(Secret::new),
                }),
                (None, None) => None,
                (Some(_), None) => {
                    return Err(BadValue::new(
                        "TWILIO_AUTH_TOKEN",
                        "not set",
                        "it must be set together with TWILIO_ACCOUNT_SID",
                    ));
                }
                (None, Some(_)) => {
                    return Err(BadValue::new(
                        "TWILIO_ACCOUNT_SID",
                        "not set",
                        "it must be set together with TWILIO_AUTH_TOKEN",
                    ));
                }
            };
            Ok(Carrier::Twilio { api_url, account })
        }
        other => Err(BadValue::new(
            "HUM_CARRIER",
            format!("{other:?}"),
            "it must be fake or twilio",
        )),
    }
}

fn model(get: &Get) -> Result<Model, BadValue> {
    let api_key = get("OPENAI_API_KEY");
    let default = if api_key.is_some() {
        "openai"
    } else {
        "scripted"
    };
    let provider = get("HUM_MODEL_PROVIDER").unwrap_or_else(|| default.into());
    let chat = match provider.as_str() {
        "scripted" => return Ok(Model::Scripted),
        "openai" => false,
        "chat" => true,
        other => {
            return Err(BadValue::new(
                "HUM_MODEL_PROVIDER",
                format!("{other:?}"),
                "it must be scripted, openai or chat",
            ));
        }
    };
    let base_url = get("OPENAI_BASE_URL")
        .map(|url| origin("OPENAI_BASE_URL", &url))
        .transpose()?;
    if api_key.is_none() && base_url.is_none() {
        let right = format!(
            "it must be set for the model provider {provider}, unless OPENAI_BASE_URL names a server that wants none"
        );
        return Err(BadValue::new("OPENAI_API_KEY", "not set", right));
    }
    Ok(Model::OpenAi {
        chat,
        api_key: Secret::new(api_key.unwrap_or_default()),
        base_url,
        model: get("HUM_MODEL").unwrap_or_else(|| DEFAULT_MODEL.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, BadValue> {
        Config::read(&|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn starts_without_any_variable() {
        let config = read(&[]).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
        assert_eq!(
            config.database,
            DatabaseUrl::Sqlite("./hum-data/hum.db".into())
        );
        assert_eq!(config.carrier, Carrier::Fake);
        assert_eq!(config.model, Model::Scripted);
    }

    #[test]
    fn credentials_choose_the_real_thing() {
        let config = read(&[
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TWILIO_AUTH_TOKEN", "t"),
            ("OPENAI_API_KEY", "k"),
        ])
        .unwrap();
        assert!(matches!(
            config.carrier,
            Carrier::Twilio {
                account: Some(_),
                ..
            }
        ));
        assert!(matches!(config.model, Model::OpenAi { chat: false, .. }));
        let config = read(&[
            ("TWILIO_ACCOUNT_SID", "AC1"),
            ("TWILIO_AUTH_TOKEN", "t"),
            ("HUM_CARRIER", "fake"),
        ])
        .unwrap();
        assert_eq!(config.carrier, Carrier::Fake);
    }

    #[test]
    fn a_bad_value_is_named_with_what_would_be_right() {
        for (name, value) in [
            ("HUM_BIND", "localhost"),
            ("HUM_DATABASE_URL", "mysql://secret@x"),
            ("HUM_PUBLIC_URL", "hum.example.com"),
            ("HUM_PUBLIC_URL", "ftp://hum.example.com"),
            ("HUM_CARRIER", "pigeon"),
            ("HUM_MODEL_PROVIDER", "oracle"),
            ("HUM_CARRIER_TIMEOUT_SECONDS", "0"),
            ("HUM_WORKERS", "-1"),
            ("HUM_POSTGRES_CONNECTIONS", "3"),
            ("HUM_RATE_READ_PER_MINUTE", "many"),
            ("HUM_RATE_WRITE_PER_MINUTE", "-1"),
            ("HUM_RATE_SEND_PER_MINUTE", "1.5"),
            ("HUM_SESSION_REQUESTS_PER_MINUTE", "4294967296"),
            ("HUM_RATE_ORG_READ_PER_MINUTE", "1k"),
            ("HUM_RATE_ORG_WRITE_PER_MINUTE", "-0"),
            ("HUM_RATE_ORG_SEND_PER_MINUTE", "no"),
            ("HUM_RATE_ORG_SESSIONS_PER_MINUTE", "x"),
            ("HUM_TWILIO_API_URL", "https://api.twilio.com/2010-04-01"),
            ("TWILIO_ACCOUNT_SID", "AC1"),
        ] {
            let error = read(&[(name, value), ("HUM_CARRIER", "twilio")]).unwrap_err();
            assert!(
                error.name == name || name == "TWILIO_ACCOUNT_SID",
                "{error}"
            );
            assert!(
                error.to_string().contains("must be") && !error.to_string().contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn each_quota_has_its_own_variable() {
        let config = read(&[
            ("HUM_RATE_READ_PER_MINUTE", "1"),
            ("HUM_RATE_WRITE_PER_MINUTE", "2"),
            ("HUM_RATE_SEND_PER_MINUTE", "3"),
            ("HUM_SESSION_REQUESTS_PER_MINUTE", "0"),
            ("HUM_RATE_ORG_READ_PER_MINUTE", "5"),
            ("HUM_RATE_ORG_WRITE_PER_MINUTE", "6"),
            ("HUM_RATE_ORG_SEND_PER_MINUTE", "7"),
            ("HUM_RATE_ORG_SESSIONS_PER_MINUTE", "8"),
        ])
        .unwrap();
        let quotas = |[read, write, send, sessions]: [u32; 4]| Quotas {
            read,
            write,
            send,
            sessions,
        };
        assert_eq!(
            (config.key_quotas, config.organization_quotas),
            (quotas([1, 2, 3, 0]), quotas([5, 6, 7, 8]))
        );
        let config = read(&[]).unwrap();
        assert_eq!(config.key_quotas, Quotas::OF_A_KEY);
        assert_eq!(config.organization_quotas, Quotas::OF_AN_ORGANIZATION);
    }

    #[test]
    fn the_public_url_loses_its_slash() {
        assert_eq!(
            read(&[("HUM_PUBLIC_URL", "https://x.example/hum/")])
                .unwrap()
                .public_url
                .as_deref(),
            Some("https://x.example/hum")
        );
    }
}
