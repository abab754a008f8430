<?php
// Puts deliveries to the documented receiver: a list of cases on stdin, a list of verdicts on stdout.
require __DIR__ . '/receiver.php';

$verify = ['standard' => 'verify_standard', 'eggapi' => 'verify_eggapi', 'aigenway' => 'verify_aigenway'];
$verdicts = [];
foreach (json_decode(stream_get_contents(STDIN), true) as $case) {
    $verdicts[] = $verify[$case['scheme']]($case['secret'], $case['headers'], base64_decode($case['body']));
}
echo json_encode($verdicts);
