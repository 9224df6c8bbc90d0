//! What tells people something: one is asked about, and what reaches many is HIGH.

use super::meant_well::are_told_apart;
use super::of_shell;
use crate::evaluation::Level;

#[test]
fn what_reaches_many_people_is_loud() {
    let loud = [
        "mail -s x $(cat all)",
        "for u in $(cat users); do mail -s hi $u < body; done",
        "while read u; do mail -s hi \"$u\" < body.txt; done < users.txt",
        "cat users.txt | xargs -n1 mail -s hi",
        "cat users.txt | xargs -I{} sh -c 'mail -s hi {} < body'",
        "mail -s hi a@x.com,b@x.com,c@x.com,d@x.com,e@x.com < body",
        "mutt -s hi all@example.com < body",
        "aws ses send-bulk-templated-email --cli-input-json file://x.json",
        "aws sesv2 send-bulk-email --cli-input-json file://bulk.json",
        "aws sns publish --topic-arn arn:aws:sns:eu-west-1:1:all-users --message hi",
        "for n in $(cat numbers); do aws sns publish --phone-number $n --message hi; done",
        "xargs -a numbers -I{} twilio api:core:messages:create --to {} --from +1 --body hi",
        "for i in $(gh issue list -q '.[].number'); do gh issue comment $i -b 'no longer kept'; done",
        "curl -X POST https://api.postmarkapp.com/email/batch -d '[]'",
        "curl -X POST https://us1.api.mailchimp.com/3.0/campaigns/42/actions/send",
        "curl -X POST https://onesignal.com/api/v1/notifications -d '{\"included_segments\":[\"All\"]}'",
        "for t in $(cat tokens); do curl https://api.telegram.org/bot1:x/sendMessage -d chat_id=$t -d text=hi; done",
        "resend broadcasts send 42",
        "./send-newsletter.sh",
        "python manage.py send_newsletter",
        "python3 -c 'import smtplib; s=smtplib.SMTP(\"x\"); [s.sendmail(\"a\",u,\"m\") for u in open(\"users\")]'",
        "rails runner 'User.find_each { |u| NewsMailer.hi(u).deliver_now }'",
    ];
    let quiet = [
        "mail -s hi bob@example.com < body.txt",
        "echo done | mail -s build me@example.com",
        "while true; do ./check || mail -s down \"$ADMIN\" < log; sleep 60; done",
        "for f in a b; do mail -s $f me@example.com < $f; done",
        "aws ses send-email --from a@x --to b@y --subject s --text t",
        "aws sns publish --topic-arn arn:aws:sns:eu-west-1:1:orders-dev --message hi",
        "twilio api:core:messages:create --from +1 --to +2 --body hi",
        "curl -X POST -d '{\"text\":\"done\"}' https://hooks.slack.com/services/T/B/X",
        "curl https://api.telegram.org/bot1:x/sendMessage -d chat_id=1 -d text=hi",
        "slack chat send --text hi --channel '#builds'",
        "gh issue comment 5 -b 'done'",
        "python manage.py send_newsletter --help",
        "rails runner 'NewsMailer.hi(User.find(1)).deliver_now'",
    ];
    are_told_apart(&loud, &quiet, Level::Medium);
}

#[test]
fn one_message_is_asked_about() {
    for text in [
        "mail -s hi bob@example.com < body.txt",
        "aws sns publish --phone-number +1 --message hi",
        "curl -X POST -d '{\"text\":\"done\"}' https://hooks.slack.com/services/T/B/X",
        "twilio api:core:messages:create --from +1 --to +2 --body hi",
        "slack chat send --text hi --channel '#builds'",
    ] {
        assert_eq!(of_shell(text).level, Level::Medium, "{text}");
    }
}
