// Decisions of Cedar as a library. Reads {"entities", "policies": [text], "requests": [{"agreement", "principal", "resource",
// "context"}], "rounds", "together"}; prints {"ns": [...], "permits": [...]}, the first by round and request, the second by request.
// "together": all agreements are in one set of policies, as an engine has them that is not told which agreement is meant.
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use std::str::FromStr;
use std::time::Instant;

#[derive(serde::Deserialize)]
struct Question {
    agreement: usize,
    principal: String,
    resource: String,
    context: serde_json::Value,
}

#[derive(serde::Deserialize)]
struct Asked {
    entities: serde_json::Value,
    policies: Vec<String>,
    requests: Vec<Question>,
    rounds: usize,
    together: bool,
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_str(&format!("{kind}::{id:?}")).expect("an id")
}

fn main() {
    let file = std::env::args().nth(1).expect("a file");
    let asked: Asked = serde_json::from_str(&std::fs::read_to_string(file).expect("readable")).expect("in order");
    let entities = Entities::from_json_value(asked.entities, None).expect("entities");
    let texts = if asked.together { vec![asked.policies.join("\n")] } else { asked.policies };
    let sets: Vec<PolicySet> = texts.iter().map(|text| PolicySet::from_str(text).expect("policies")).collect();
    let requests: Vec<(usize, Request)> = asked
        .requests
        .iter()
        .map(|one| {
            let context = Context::from_json_value(one.context.clone(), None).expect("a context");
            let request = Request::new(uid("Party", &one.principal), uid("Action", "use"), uid("Dataset", &one.resource), context, None);
            (if asked.together { 0 } else { one.agreement }, request.expect("a request"))
        })
        .collect();
    let authorizer = Authorizer::new();
    let mut took: Vec<u64> = Vec::new();
    let mut permits = vec![false; requests.len()];
    for round in 0..asked.rounds {
        for (i, (set, request)) in requests.iter().enumerate() {
            let begin = Instant::now();
            let answer = authorizer.is_authorized(request, &sets[*set], &entities);
            let ns = begin.elapsed().as_nanos() as u64;
            permits[i] = answer.decision() == Decision::Allow;
            if round > 0 {
                took.push(ns);
            }
        }
    }
    println!("{}", serde_json::json!({"ns": took, "permits": permits}));
}
