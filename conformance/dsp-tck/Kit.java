import java.io.FileReader;
import java.util.HashMap;
import java.util.Properties;
import org.eclipse.dataspacetck.core.system.ConsoleMonitor;
import org.eclipse.dataspacetck.runtime.TckRuntime;

/** Runs the kit's cases with the properties of a file. It prints a line for each; why one failed stands in the summary at the end. */
public class Kit {
  public static void main(String[] files) throws Exception {
    var properties = new Properties();
    try (var reader = new FileReader(files[0])) { properties.load(reader); }
    var settings = new HashMap<String, String>();
    properties.forEach((key, value) -> settings.put((String) key, (String) value));
    var kit = TckRuntime.Builder.newInstance().properties(settings).monitor(new ConsoleMonitor(false, false))
        .addPackage("org.eclipse.dataspacetck.dsp.verification").build();
    var done = kit.execute();
    done.getFailures().forEach(one -> System.out.println("WHY " + one.getTestIdentifier().getDisplayName() + ": " + one.getException()));
    System.out.println("SKIPPED " + done.getTestsSkippedCount());
    System.exit(0);
  }
}
