use std::time::Duration;

use hum_core::{
    clock::Clock as _, entropy::Entropy, number::E164, sms::Received, telephony::CarrierForm,
};

use crate::{chance::Chance, simulator::Stage};

const KEYWORDS: &[&str] = &[
    "STOP",
    "stop",
    "Stop.",
    "opt out",
    "OPT-OUT",
    "Unsubscribe!",
    "quit",
    "CANCEL",
    "REVOKE",
    "END",
    "START",
    "start",
    "unstop",
    "YES",
    "yes.",
    "HELP",
    "info?",
];
const TEXTS: &[&str] = &[
    "hello",
    "what are your hours?",
    "please let me talk to a person",
    "thanks, bye",
    "yes, confirm my appointment",
    "I can't come, don't stop by before 5",
    "",
    "ok 👍",
    "can you call me",
    "which internet can I get at 123 MAIN ST, 62701?",
    "a much longer question about how things are done and whether they could be done differently",
];

/// Somebody with a handset: few people, so that they meet every tenant.
pub fn contact(chance: &Chance) -> E164 {
    format!("+1555999{:04}", chance.below(4))
        .parse()
        .unwrap_or_else(|_| unreachable!("a well-formed number"))
}

/// A contact writes, once or several times in a row.
pub async fn text(stage: &Stage, number: u64) {
    let (shared, chance) = (&stage.shared, stage.shared.chance());
    let (tenant, from) = (chance.pick(&stage.tenants).clone(), contact(chance));
    let burst = if chance.below(4) == 0 {
        chance.between(2, 4)
    } else {
        1
    };
    for part in 0..burst {
        let body = if chance.below(5) == 0 {
            (*chance.pick(KEYWORDS)).to_owned()
        } else {
            format!("{} #{number}.{part}", chance.pick(TEXTS))
        };
        let form =
            shared
                .carrier()
                .text_in(&tenant.account, (&from, &tenant.number.e164), &body, chance);
        if shared.fate().strikes(shared.fate().options().forgery) {
            forge(stage, &form).await;
        }
        shared.carrier().deliver(form);
        shared
            .clock()
            .sleep(Duration::from_millis(chance.below(4_000)))
            .await;
    }
}

/// Somebody alters a webhook: nothing may happen.
async fn forge(stage: &Stage, genuine: &CarrierForm) {
    let (shared, chance) = (&stage.shared, stage.shared.chance());
    let mut form = genuine.clone();
    match chance.below(5) {
        0 => form.signature = None,
        1 => form.signature = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into()),
        2 => set(&mut form, "Body", "forged"),
        3 => set(
            &mut form,
            "AccountSid",
            &chance.pick(&stage.tenants).account,
        ),
        _ => form.url.push('x'),
    }
    set(
        &mut form,
        "MessageSid",
        &format!("SM{}", (chance as &dyn Entropy).token()),
    );
    let answer = shared
        .request(move |hum| async move { hum.sms().receive(&form).await })
        .await;
    if let Some(Ok(received)) = answer
        && received != Received::Refused
    {
        shared.monitor().violate(
            "INV-51",
            format!("a forged webhook was answered with {received:?}"),
        );
    }
}

fn set(form: &mut CarrierForm, name: &str, value: &str) {
    form.params
        .iter_mut()
        .filter(|(key, _)| key == name)
        .for_each(|(_, old)| value.clone_into(old));
}
